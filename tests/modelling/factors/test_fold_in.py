"""What the nets learn from a rating without a refit."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.factors.posterior_covariance import MAX_UPDATED
from ratecast.models import load_model
from ratecast.ratings import Ratings, Requests, checked
from ratecast.splits import chronological
from ratecast.training import make_model
from tests.modelling.factors.nets import NETS, SMALL, TRAINED, fold_in
from tests.planted import planted, tastes


@pytest.mark.parametrize("name", NETS)
def test_answers_are_those_of_the_trained_net(name: str) -> None:
    split = chronological(planted())
    model = fold_in(name, trainer=TRAINED).fit(split.train, split.valid)
    rows: Rows = model.encode(split.test)
    users, movies = (torch.from_numpy(x.astype(np.int64)) for x in (rows.users, rows.movies))
    with torch.no_grad():
        wanted = model.net(users, movies).numpy()
    np.testing.assert_allclose(model.predict_rows(rows).mean, wanted, atol=2e-5)


@pytest.mark.parametrize("name", NETS)
def test_tastes_of_a_new_user_are_learned_from_what_he_says(name: str) -> None:
    """Heard 30 ratings, a stranger is forecast much better than unheard."""
    train, test, _ = tastes(seed=1)
    strangers = train.frame["user"].to_numpy() < 30
    weak: dict[str, Any] = {"l2_users": 1.0, "l2_movies": 1.0, "id_dropout": 0.1}
    model = make_model(name, **weak, **SMALL).fit(train.take(~strangers))
    asked = test.take(test.frame["user"].to_numpy() < 30)
    before = model.predict(asked.requests()).stars - asked.stars
    model.observe(train.take(strangers))
    after = model.predict(asked.requests()).stars - asked.stars
    assert np.sqrt(np.mean(after**2)) < 0.6 * np.sqrt(np.mean(before**2))


@pytest.mark.parametrize("name", NETS)
def test_a_movie_is_learned_when_it_is_rated(name: str) -> None:
    table = planted()
    model = make_model(name, **SMALL).fit(table)
    asked = Requests.of([1], [999])
    before = model.predict(asked).stars[0]
    fans = pl.DataFrame({"user": list(range(2, 22)), "movie": [999] * 20, "rating": [5.0] * 20})
    model.observe(checked(Ratings(fans, scale=table.scale)))
    assert model.predict(asked).stars[0] > before + 0.4


@pytest.mark.parametrize("name", NETS)
def test_forecasts_are_surer_of_users_heard(name: str) -> None:
    model = fold_in(name, **SMALL).fit(planted())
    known = model.predict_rows(model.encode(Requests.of([1, 999], [1, 1]))).deviation
    assert known is not None
    assert known[0] < known[1]


@pytest.mark.parametrize("name", NETS)
def test_a_wide_net_updates_few_directions(name: str, tmp_path: Path) -> None:
    split = chronological(planted())
    quick = {"epochs": 2, "batch_size": 256}
    model = fold_in(name, factors=MAX_UPDATED + 8, trainer=quick).fit(split.train, split.valid)
    assert model.state.sides.users.covariance.shape[1] <= MAX_UPDATED + 1
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    told = copy.deepcopy(model).walk(split.test)
    assert np.array_equal(loaded.walk(split.test).stars, told.stars)
