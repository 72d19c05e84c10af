"""What holds for every model with a net."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ratecast.errors import InputError
from ratecast.modelling.contract.forecast import Basis
from ratecast.modelling.nets.net_model import NetModel, TrainerSettings
from ratecast.models import load_model, model_class
from ratecast.ratings import Requests
from ratecast.training import make_model
from tests.training.tables import few, planted, rmse

WITHOUT_TORCH = """
import sys
from pathlib import Path
from ratecast.models import MODELS, load_model
from ratecast.training import make_model
from tests.training.tables import few
for name in MODELS:
    make_model(name)
for folder in Path(sys.argv[1]).iterdir():
    model = load_model(folder)
    model.predict(few().test.requests())
    model.observe(few().test)
make_model("mf_bias", solver="kernel").fit(few().train, few().valid)
assert not {"torch", "lightning"} & set(sys.modules)
"""
NETS = ("mf", "mf_bias", "neumf")
QUICK = {"epochs": 4, "batch_size": 64, "learning_rate": 0.01}
LOOSE: dict[str, dict[str, Any]] = {
    "mf": {"l2_users": 0.1, "l2_movies": 0.1},
    "mf_bias": {"l2_users": 0.1, "l2_movies": 0.1, "l2_user_biases": 0.1},
    "neumf": {"l2_users": 0.1, "l2_movies": 0.1, "l2_weights": 0.1, "dropout": 0.0},
}
PATIENT = {"epochs": 40, "batch_size": 256, "learning_rate": 0.04, "patience": 40}


def quick(name: str, seed: int = 0, **settings: Any) -> NetModel:
    model = make_model(name, seed=seed, trainer=QUICK, **settings)
    assert isinstance(model, NetModel)
    return model


@pytest.mark.parametrize("name", NETS)
def test_recovers_planted_factors(name: str) -> None:
    known = planted(seed=5)
    settings = LOOSE[name] | {"factors": 4, "id_dropout": 0.05, "trainer": PATIENT}
    model = make_model(name, **settings).fit(known.split.train, known.split.valid)
    test = known.split.test
    spread = float(np.std(test.stars))
    assert rmse(model.predict(test.requests()).stars, test) < 0.35 < 0.35 * spread


def test_recovers_planted_movie_effects_for_a_new_user() -> None:
    known = planted(seed=2, users=120)
    model = make_model("mf_bias", trainer=PATIENT).fit(known.split.train, known.split.valid)
    answers = model.predict(Requests.of([-1] * 50, list(range(50)))).stars
    assert np.corrcoef(answers, known.truth.mean(axis=0))[0, 1] > 0.95
    assert answers == pytest.approx(known.truth.mean(axis=0), abs=0.6)


@pytest.mark.parametrize("name", NETS)
def test_answers_the_unknown_on_the_scale(name: str) -> None:
    split = few()
    model = quick(name).fit(split.train, split.valid)
    user, movie = split.train.frame["user"][0], split.train.frame["movie"][0]
    asked = Requests.of([user, -5, user, -5], [movie, movie, -7, -7])
    forecast = model.predict(asked)
    assert forecast.basis.tolist() == [Basis.KNOWN, Basis.NEW_USER, Basis.NEW_MOVIE, Basis.BOTH_NEW]
    assert ((forecast.stars >= 0) & (forecast.stars <= 10)).all()
    assert forecast.stars[3] == pytest.approx(float(split.train.stars.mean()), abs=1.0)
    assert model.predict(asked.take(slice(0, 0))).stars.shape == (0,)


@pytest.mark.parametrize("name", NETS)
def test_same_seed_same_bits(name: str) -> None:
    split = few()
    asked = split.test.requests()
    answers = [quick(name, s).fit(split.train, split.valid).predict(asked).stars for s in (3, 3, 4)]
    assert np.array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[0], answers[2])


def test_fitting_leaves_the_random_stream_and_threads_of_the_program_alone() -> None:
    split = few()
    torch.manual_seed(11)
    wanted = torch.rand(3)
    torch.manual_seed(11)
    threads = torch.get_num_threads()
    quick("mf").fit(split.train, split.valid)
    assert torch.equal(torch.rand(3), wanted)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("name", NETS)
def test_save_and_load_answer_alike_without_a_trainer(name: str, tmp_path: Path) -> None:
    split = few()
    model = quick(name, factors=5).fit(split.train, split.valid)
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    asked = Requests.of([*split.test.frame["user"].to_list(), -1], [*split.test.frame["movie"], 0])
    assert np.array_equal(loaded.predict(asked).stars, model.predict(asked).stars)
    assert loaded.settings() == model.settings()


@pytest.mark.parametrize("name", NETS)
def test_starts_from_the_mean(name: str) -> None:
    torch.manual_seed(0)
    net = quick(name).make_net(10, 8, 3.2).eval()
    every = torch.cartesian_prod(torch.arange(10), torch.arange(8))
    with torch.no_grad():
        stars = net(every[:, 0], every[:, 1])
    assert stars.shape == (80,)
    assert float(stars.mean()) == pytest.approx(3.2, abs=0.3)


def test_without_valid_trains_on_all_rows_for_the_epochs_that_a_held_out_part_chose() -> None:
    split = few()
    model = quick("mf_bias").fit(split.train)
    again = quick("mf_bias").fit(split.train)
    assert rmse(model.predict(split.test.requests()).stars, split.test) < np.std(split.test.stars)
    assert np.array_equal(
        model.predict(split.test.requests()).stars, again.predict(split.test.requests()).stars
    )


def test_learns_anew_for_the_epochs_that_valid_chose() -> None:
    split = few()
    assert split.valid is not None
    model = quick("mf").fit(split.train, split.valid)
    chosen = model.epochs
    model.refit(split.train.with_more(split.valid))
    assert model.epochs == chosen
    assert set(split.valid.frame["user"]) <= set(model.users.table["user"])


def test_a_handful_of_rows_is_enough() -> None:
    split = few()
    model = quick("mf").fit(split.train.take(slice(0, 3)))
    assert len(model.predict(split.test.requests())) == len(split.test)


def test_a_net_that_was_given_no_trainer_finds_one() -> None:
    quick = TrainerSettings(epochs=1)
    plain = model_class("mf")(trainer=quick).fit(few().train)  # type: ignore[call-arg]
    made = make_model("mf", trainer=quick).fit(few().train)
    np.testing.assert_array_equal(plain.predict([1], [1]).stars, made.predict([1], [1]).stars)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"factors": 0}, "factors"),
        ({"id_dropout": 1.0}, "id_dropout"),
        ({"l2_users": -1.0}, "l2_users"),
        ({"trainer": {"epochs": 0}}, "epochs"),
        ({"trainer": {"learning_rate": float("nan")}}, "learning_rate"),
        ({"facters": 3}, "facters"),
    ],
)
def test_refuses_senseless_settings(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_model("mf", **settings)


def test_to_make_load_ask_and_tell_a_model_needs_no_torch(tmp_path: Path) -> None:
    split = few()
    for name in (*NETS, "attention"):
        quick(name).fit(split.train, split.valid).save(tmp_path / name)
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)], check=True)
