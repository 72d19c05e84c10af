"""What version 0.1.0 wrote is read, and old names are accepted with a warning."""

import json
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest

from ratecast.modelling.contract import renamed
from ratecast.models import MODELS, load_model, model_class
from ratecast.ratings import Requests
from ratecast.training import make_model
from ratecast.training.experiment import read_experiment

KEPT = Path(__file__).parents[1] / "kept" / "artifacts-0.1.0.tar.xz"
OLD = {new: old for old, new in renamed.MODELS.items()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One artifact of each model, and `expected.json`, as version 0.1.0 left them."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(KEPT) as kept:
        kept.extractall(folder, filter="data")
    return folder / "artifacts-0.1.0"


# Later models.
LATER = ("auto", "variational_mf")


@pytest.mark.parametrize("name", [name for name in MODELS if name not in LATER])
def test_an_artifact_of_version_0_1_predicts_as_it_did(name: str, written: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = load_model(written / OLD.get(name, name))
    expected = json.loads((written / "expected.json").read_text("utf-8"))[OLD.get(name, name)]
    when = json.loads((written / "expected.json").read_text("utf-8"))["at"]
    forecast = model.predict(Requests.of([1, 2, 3, 999, 4], [100, 105, 999, 101, 117], at=when))
    np.testing.assert_allclose(forecast.stars, expected["stars"], rtol=1e-9)
    np.testing.assert_allclose(forecast.probabilities, expected["probabilities"], rtol=1e-7)
    assert forecast.history_length.tolist() == expected["history"]
    assert forecast.basis.tolist() == expected["basis"]


@pytest.mark.parametrize(("old", "new"), renamed.MODELS.items())
def test_an_old_name_of_a_model_warns_with_the_new_one(old: str, new: str) -> None:
    with pytest.warns(FutureWarning, match=f"model '{old}' is called {new} now"):
        assert model_class(old) is model_class(new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [(name, old, new) for name, names in renamed.SETTINGS.items() for old, new in names.items()],
)
def test_an_old_setting_warns_with_the_new_one(name: str, old: str, new: str) -> None:
    value = getattr(make_model(name), new)
    with pytest.warns(FutureWarning, match=rf"model\.{old} is called model\.{new} now"):
        assert getattr(make_model(name, **{old: value}), new) == value


def test_old_names_of_an_experiment_are_read(tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text("model: {name: bfm, sweeps: 30}\n", "utf-8")
    with pytest.warns(FutureWarning):
        made = read_experiment(path, ["--model.kept", "4"])
    assert (made.name, made.model["iterations"], made.model["samples"]) == (
        "factorization_machine", 30, 4
    )  # fmt: skip
    path.write_text("model: {name: mf_bias}\ntrainer: {max_epochs: 3}\n", "utf-8")
    with pytest.warns(FutureWarning):
        made = read_experiment(path, ["--model.descent.decay=0.5", "--model.unknown_share", "0.2"])
    assert made.model["trainer"]["epochs"] == 3
    assert (made.model["descent"]["l2"], made.model["id_dropout"]) == (0.5, 0.2)
    with pytest.warns(FutureWarning):
        assert read_experiment("bias", ["--model.name", "gp"]).name == "gaussian_process"
