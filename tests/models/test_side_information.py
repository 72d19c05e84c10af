"""The models that use side information take it from a request and keep it in an artifact."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.models import MODELS, load_model, model_class
from ratecast.ratings import Ratings, Requests, checked
from ratecast.splits import chronological
from tests.planted import planted, with_sides

FROZEN = ("factorization_machine", "gaussian_process", "cold_start", "blend")


@pytest.mark.parametrize("name", FROZEN)
def test_side_information_of_a_stranger_is_used(name: str, tmp_path: Path) -> None:
    split = chronological(with_sides(planted()))
    model = model_class(name)().fit(split.train)
    asked = Requests(
        pl.DataFrame({"user": [999, 999, 998], "movie": [999, 1, 999], "at": [9_000_000] * 3}),
        movies=pl.DataFrame({"movie": [999], "year": [1960], "genres": [["Drama"]]}),
        users=pl.DataFrame({"user": [999], "age": [30], "gender": ["F"], "zip": ["9"]}),
    )
    stars = model.predict(asked).stars
    assert np.isfinite(stars).all()
    model.save(tmp_path / "artifact")
    np.testing.assert_array_equal(load_model(tmp_path / "artifact").predict(asked).stars, stars)


def test_all_are_in_the_table() -> None:
    assert set(FROZEN) <= set(MODELS)


@pytest.mark.parametrize("name", FROZEN)
def test_new_labels_and_ids_heard_survive_the_artifact(name: str, tmp_path: Path) -> None:
    split = chronological(with_sides(planted()))
    model = model_class(name)().fit(split.train)
    heard = Ratings(
        pl.DataFrame({"user": [70, 71, 70], "movie": [50, 51, 1], "rating": [5.0, 1.0, 4.0]}),
        movies=pl.DataFrame({"movie": [50], "year": [1890], "genres": [["Opera", "War"]]}),
        users=pl.DataFrame({"user": [70], "age": [99], "gender": ["X"], "zip": ["Z"]}),
        scale=split.train.scale,
    )
    model.observe(checked(heard))
    asked = Requests.of([70, 71, 72, 1], [50, 51, 50, 51], at=9_000_000)
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact").predict(asked)
    np.testing.assert_array_equal(again.probabilities, model.predict(asked).probabilities)
