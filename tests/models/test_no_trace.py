"""A user who is forgotten is a new user in every respect, and no file tells who it was."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast import artifact
from ratecast.modelling.contract.model import Model
from ratecast.models import MODELS, load_model
from ratecast.ratings import Ratings, Requests
from ratecast.training import make_model
from tests.models.test_forgotten import SHORT
from tests.planted import planted, with_sides

USERS, MOVIES = 30, 40
# Long, so that a search for it means something.
NAME = "somebody-known-{}-8f14e45fceea167a"
GONE, NEVER = NAME.format(7), NAME.format("nowhere")
QUICK = SHORT | {"attention": {"trainer": {"epochs": 1, "batch_size": 256}}}


def named(ids: pl.Series) -> pl.Series:
    return pl.Series(ids.name, [NAME.format(i) for i in ids])


def table() -> Ratings:
    """Planted ratings, with side information of users and movies, of users whose ids are text."""
    whole = with_sides(planted(users=USERS, movies=MOVIES, rows=600))
    frame, users = whole.frame, whole.users.filter(pl.col("user") <= USERS)
    # A column of one's own, which differs for every user.
    users = users.with_columns(shoe=pl.col("user").cast(pl.Float64) / 3)
    return replace(
        whole,
        frame=frame.with_columns(named(frame["user"])),
        users=users.with_columns(named(users["user"])),
    )


TABLE = table()
OWN = TABLE.frame.filter(pl.col("user") == GONE)


@cache
def fit_of(name: str) -> Model:
    """A model fitted once for all tests; who changes it takes a copy."""
    model = make_model(name, **QUICK.get(name, {})).fit(TABLE)
    if model.updates_online():
        # Later ratings, and changed ones, stand in other places than those of the fit.
        model.observe(LATER)
    return model


def later(user: str, movies: range) -> Ratings:
    frame = pl.DataFrame(
        {
            "user": [user] * len(movies),
            "movie": [1 + m for m in movies],
            "rating": pl.Series([1.0 + m % 5 for m in movies], dtype=pl.Float32),
            "at": pl.Series([int(TABLE.at.max()) + 10 + m for m in movies], dtype=pl.Int64),
        }
    )
    return Ratings(frame, scale=TABLE.scale)


LATER = later(GONE, range(0, MOVIES, 5))


def requests(user: str) -> Requests:
    at = int(TABLE.at.max()) + 100
    return Requests(
        pl.DataFrame({"user": [user] * MOVIES, "movie": range(1, MOVIES + 1), "at": [at] * MOVIES})
    )


def same_as_never_known(model: Model) -> None:
    gone, never = model.predict(requests(GONE)), model.predict(requests(NEVER))
    for field in ("stars", "probabilities", "history_length", "basis"):
        np.testing.assert_array_equal(getattr(gone, field), getattr(never, field))
    assert (gone.history_length == 0).all()


def everything(folder: Path) -> Iterator[bytes]:
    """The bytes of all files, and the cells of the tables, which are compressed."""
    for file in folder.iterdir():
        yield file.read_bytes()
        if file.suffix == ".parquet":
            yield pl.read_parquet(file).write_json().encode()


def traces(model: Model, row: int) -> list[bytes]:
    """What the ratings of this user look like in a file, by movie and in the order of time."""
    more = LATER.frame if model.updates_online() else LATER.frame.clear()
    both = pl.concat([OWN.select(LATER.frame.columns), more])
    last = both.unique("movie", keep="last").sort("movie")
    # A history keeps the time of a rating that was given again.
    again = both.join(more.select("movie", new="rating"), on="movie", how="left")
    kept = again.filter(pl.col("new").is_null() | (pl.col("new") == pl.col("rating")))
    first = kept.head(OWN.height - 3).unique("movie", keep="first", maintain_order=True)
    columns = []
    for rows in (last, first):
        movies = model.movies.encode(rows["movie"])
        order = np.argsort(movies, kind="stable") if rows is last else slice(None)
        stars = rows["rating"].to_numpy()[order]
        columns += [movies[order], stars, stars.astype(np.float64), rows["at"].to_numpy()[order]]
    columns.append(np.full(first.height, row, np.int32))
    return [column.tobytes() for column in columns]


@pytest.mark.parametrize("name", MODELS)
def test_a_forgotten_user_is_a_new_one(name: str, tmp_path: Path) -> None:
    model = deepcopy(fit_of(name))
    if name not in ("mean", "auto"):
        before = model.predict(requests(GONE)).stars
        assert np.abs(before - model.predict(requests(NEVER)).stars).max() > 0.01
    model.forget(GONE)
    same_as_never_known(model)
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    same_as_never_known(again)
    expected = model.predict(requests(NEVER))
    np.testing.assert_array_equal(again.predict(requests(NEVER)).stars, expected.stars)
    if model.updates_online():
        # The id comes again, as that of another user.
        for one in (model, again):
            forecasts = []
            for user in (GONE, NEVER):
                now = deepcopy(one)
                now.observe(later(user, range(3)))
                forecasts.append(now.predict(requests(user)))
            for field in ("stars", "probabilities", "history_length", "basis"):
                np.testing.assert_array_equal(*(getattr(f, field) for f in forecasts))


@pytest.mark.parametrize("name", MODELS)
def test_no_file_of_the_model_has_a_forgotten_user(name: str, tmp_path: Path) -> None:
    model = deepcopy(fit_of(name))
    model.save(tmp_path / "before")
    row = int(model.users.rows_of([GONE])[0])
    searched = [GONE.encode(), *traces(model, row)]
    held = list(everything(tmp_path / "before"))
    assert any(searched[0] in data for data in held)
    assert any(trace in data for trace in searched[1:] for data in held)
    model.forget(GONE)
    model.save(tmp_path / "after")
    held = list(everything(tmp_path / "after"))
    assert not [trace for trace in searched for data in held if trace in data]
    saved = artifact.read(tmp_path / "after")
    line = saved.tables["users"].drop("user").row(row - 1)
    assert line == (None,) * len(line)
    for key, array in saved.arrays.items():
        own = key.rpartition("/")[2]
        if len(array) == USERS + 1 and own != "counts.users" and array.ndim:
            np.testing.assert_array_equal(array[row], array[0], key)
        elif own in ("mixed.user", "mixed.user x genre"):
            assert not array.reshape(USERS, -1)[row - 1].any(), key
        elif own == "history.users":
            assert row not in array, key
        elif own.startswith("bin."):
            assert row not in array >> 40, key
    assert saved.arrays["counts.users"][row] == 0
    known = len(TABLE) - OWN.height
    assert saved.arrays["counts.users"].sum() == saved.arrays["counts.movies"].sum() == known
