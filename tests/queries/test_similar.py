"""Movies' vectors: one measure for all factor models, and neighbours that were planted."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.models import MODELS
from ratecast.queries.similar import MovieVectors, similar
from ratecast.ratings import Ratings, Scale, checked
from ratecast.splits import chronological
from ratecast.training import make_model
from tests.planted import planted

WITH_VECTORS = ("mf", "mf_bias", "als", "svdpp", "state_space", "blend", "attention",
                "variational_mf")  # fmt: skip
QUICK: dict[str, Any] = {"blend": {"chains": 1, "iterations": 24, "learn_shares": False}}
NETS = {name: {"trainer": {"epochs": 30, "batch_size": 256}} for name in ("mf", "mf_bias")}
QUICK |= NETS | {"attention": {"trainer": {"epochs": 2, "batch_size": 256}}}


def camps(users: int = 120, movies: int = 30, seed: int = 0) -> Ratings:
    """Every user likes the odd movies and not the even ones, or the other way round."""
    random = np.random.default_rng(seed)
    user, movie = (grid.ravel() for grid in np.meshgrid(np.arange(users), np.arange(movies)))
    liking = random.choice([-1, 1], users)[user] * np.where(movie % 2, 1, -1)
    stars = np.clip(np.round(3 + 1.3 * liking + random.normal(0, 0.4, len(user))), 1, 5)
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars, "at": 0})
    frame = frame.with_columns(at=pl.int_range(pl.len()).shuffle(seed))
    table = checked(Ratings(frame.sort("at"), scale=Scale(1, 5)))
    return table.take(random.random(len(table)) < 0.6)


@pytest.mark.parametrize("name", WITH_VECTORS)
def test_the_nearest_movies_are_of_the_same_camp(name: str) -> None:
    model = make_model(name, **QUICK.get(name, {})).fit(camps())
    found = similar(model, 7, n=14)
    assert (found["movie"] % 2 == 1).all()
    assert found["cosine"].is_sorted(descending=True)
    assert 7 not in found["movie"]


@pytest.mark.parametrize("name", WITH_VECTORS)
def test_biases_are_what_the_average_user_gives_above_the_average_movie(name: str) -> None:
    table = planted(users=150, movies=20, rows=2400)
    model = make_model(name, **QUICK.get(name, {})).fit(table)
    vectors = MovieVectors.of(model)
    means = table.frame.group_by("movie").agg(pl.col("rating").mean())
    truth = vectors.table.join(means, on="movie", maintain_order="left")["rating"].to_numpy()
    assert np.corrcoef(vectors.biases, truth)[0, 1] > 0.97
    assert vectors.counts @ vectors.biases == pytest.approx(0, abs=1e-6)
    assert np.std(vectors.biases) == pytest.approx(np.std(truth), rel=0.25)


def test_a_movie_heard_of_later_has_its_line() -> None:
    split = chronological(planted(movies=60))
    rare = split.train.frame["movie"].max()
    model = make_model("als").fit(split.train.take(split.train.frame["movie"] != rare))
    assert split.valid is not None
    assert rare not in MovieVectors.of(model).table["movie"]
    model.observe(split.train.take(split.train.frame["movie"] == rare))
    vectors = MovieVectors.of(model)
    row = vectors.row(rare)  # type: ignore[arg-type]
    rated = split.train.frame.filter(pl.col("movie") == rare)
    assert vectors.counts[row] == rated["user"].n_unique()
    assert len(vectors.vectors) == len(vectors.biases) == vectors.table.height


def test_movies_that_few_rated_are_not_named() -> None:
    vectors = MovieVectors.of(make_model("als").fit(camps()))
    named = vectors.similar(7, n=100, min_ratings=int(np.median(vectors.counts)))
    assert (named["ratings"] >= np.median(vectors.counts)).all()
    assert named.height > 5
    assert vectors.similar(7, n=100, min_ratings=10_000).is_empty()


def test_models_without_factors_and_unknown_movies_are_refused() -> None:
    table = camps()
    for name in (
        # auto has those of a part, if it has any.
        set(MODELS) - {*WITH_VECTORS, "factorization_machine", "gaussian_process", "neumf", "auto"}
    ):
        with pytest.raises(InputError, match=f"model {name}: has no vectors of movies"):
            MovieVectors.of(make_model(name).fit(table))
    model = make_model("als").fit(table)
    for movie, what in ((999, "not known to this model"), ("x", "are whole numbers")):
        with pytest.raises(InputError, match=what):
            similar(model, movie)
