"""Top-N lists: the movies of highest expected stars for a user, without those already rated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F32, F64, I32, I64
from ratecast.data.frames import requests_of
from ratecast.data.pairs import ids_of
from ratecast.errors import InputError
from ratecast.ids import Id
from ratecast.modelling.contract.model import Model, Table
from ratecast.modelling.factors.bilinear_state import BilinearForm, HasBilinearForm
from ratecast.queries.id_lists import candidates, is_known
from ratecast.queries.rated_pairs import RatedPairs
from ratecast.queries.top_n_kernel import Excluded, Top, merge_scores, rescore
from ratecast.ratings import MOVIE, USER, Requests

RANK, STARS = "rank", "stars"
# So many more candidates than wanted pass from single to double precision, and by how much a score
# in single precision may be wrong.
SPARE, ROUNDING = 8, 1e-4
USERS, TILE_BYTES, PAIRS = 512, 1 << 22, 1 << 20


def top_n(
    model: Model,
    users: pl.Series | Sequence[Id] | Id,
    n: int = 10,
    rated: Table | None = None,
    *,
    movies: pl.Series | Sequence[int | str] | None = None,
) -> pl.DataFrame:
    """The `n` best movies for each user, in columns user, movie, rank (from 1) and stars.

    users: raw ids, or one; unknown ones are ranked as new users.
    rated: pairs of user and movie to leave out, mostly the training ratings. Where it is None, a
        model that stores its ratings leaves those out, and any other model leaves out nothing.
    movies: ids of the only movies that may be recommended; None is every movie that the model
        knows, by ratings or, where it uses side information, by that alone.

    Raises `InputError` for `n` below 1, and for a movie that the model does not know.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> rc.top_n(rc.ALS(factors=2).fit(ratings), [1, 2], n=3, rated=ratings)["rank"].to_list()
    [1, 2, 3, 1, 2, 3]
    >>> sorted(rc.top_n(rc.ALS(factors=2).fit(ratings), 1, movies=[5, 7])["movie"].to_list())
    [5, 7]
    """
    pairs = None if rated is None else requests_of(rated, "rated")
    among = None if movies is None else ids_of(movies, MOVIE, "top_n")
    return Recommender(model, pairs, among).top(ids_of(users, USER, "top_n"), n)


def check_count(count: int) -> None:
    """Raise `InputError` for lists of no movies."""
    if count < 1:
        raise InputError(f"recommend: {count} movies for each user; give 1 or more")


def users_in_block(model: Model, movies: int) -> int:
    """How many users are ranked at once. movies: how many may be recommended."""
    return USERS if isinstance(model, HasBilinearForm) else max(1, PAIRS // max(movies, 1))


def highest(scores: F64, allowed: NDArray[np.bool_], count: int) -> I64:
    """Places of the `count` highest scores among the allowed, best first, ties by place: (count,).

    scores, allowed: (m,). Fewer places where fewer are allowed.
    """
    places = np.flatnonzero(allowed)
    if 0 < count < len(places):
        lowest = np.partition(scores[places], len(places) - count)[len(places) - count]
        places = places[scores[places] >= lowest]
    return places[np.argsort(-scores[places], kind="stable")[:count]]


@dataclass(frozen=True, eq=False)
class Recommender:
    """Ranks all movies for users by the model's expected stars, as of now.

    The order is that of the expected stars before they are clipped to the scale; ties go by id.
    A bilinear model scores blocks of users and movies by a matrix product in single precision,
    and the best candidates are ranked again in double precision. Where single precision could
    have missed one, all movies of the user are ranked again. Other models predict every pair.
    Either way the list is that of `predict` for every movie.

    model: a fitted model.
    rated: pairs of user and movie to leave out; None: see `top_n`.
    movies: the ids that may be recommended; None is every movie of the model.
    """

    model: Model
    rated: Requests | None = None
    movies: pl.Series | None = None

    def top(self, users: pl.Series, count: int = 10) -> pl.DataFrame:
        """Columns user, movie, rank (from 1) and stars: at most `count` lines for each user."""
        return pl.concat(list(self.blocks(users, count)))

    def blocks(self, users: pl.Series, count: int = 10) -> Iterator[pl.DataFrame]:
        """The table of `top` in blocks of users, so that memory does not grow with the users."""
        check_count(count)
        users = self.model.users.own_ids(users.rename(USER))
        rows, numbers = self.model.users.encode(users), self._rated.numbers(users)
        step = users_in_block(self.model, len(self._ids))
        for start in range(0, max(len(rows), 1), step):
            part = slice(start, start + step)
            excluded = self._rated.places.of_users(numbers[part])
            if self._bilinear is None:
                top = self._by_predictions(users[part], excluded, count)
            else:
                top = self._ranked(rows[part], excluded, count)
            yield self._table(users[part], top)

    def _ranked(self, rows: I32, excluded: Excluded, count: int) -> Top:
        """From the weights of a bilinear model."""
        assert self._bilinear is not None
        size = min(count + SPARE, len(self._ids))
        nearly = self._candidates(rows, excluded, size)
        top = Top(np.empty((len(rows), size)), np.empty((len(rows), size), np.int64))
        rescore(rows, nearly.places, (self._bilinear.users, self._weights), top)
        if size < len(self._ids):
            # A movie that is no candidate scores at most the worst candidate, up to rounding.
            limit = nearly.scores[:, -1] + self._bilinear.users[rows, 0]
            close = limit > top.scores[:, count - 1] - ROUNDING
            for line in np.flatnonzero(close & (top.places[:, count - 1] >= 0)).tolist():
                own = Top(top.scores[line][None], top.places[line][None])
                self._rank_all(rows[line], excluded.of_user(line), own)
        form = self._bilinear
        return Top(form.level + form.unit * top.scores[:, :count], top.places[:, :count])

    def _candidates(self, rows: I32, excluded: Excluded, size: int) -> Top:
        """The best of all movies in single precision; the scores lack the user's bias."""
        assert self._bilinear is not None
        of_users = self._bilinear.users[rows].astype(np.float32)
        of_users[:, 0] = 1
        scores = np.full((len(rows), size), -np.inf, np.float32)
        top = Top(scores, np.full((len(rows), size), -1, np.int64))
        step = TILE_BYTES // (4 * max(len(rows), 1))
        for start in range(0, len(self._ids), step):
            tile = of_users @ self._packed[:, start : start + step]
            merge_scores(tile, start, excluded, top)
        return top

    def _rank_all(self, row: np.int32, excluded: I32, top: Top) -> None:
        """Fill `top` (1, count) with one user's best of all movies that are not excluded."""
        assert self._bilinear is not None
        places = np.setdiff1d(np.arange(len(self._ids)), excluded)[None]
        rescore(np.array([row]), places, (self._bilinear.users, self._weights), top)

    def _by_predictions(self, users: pl.Series, excluded: Excluded, count: int) -> Top:
        """From the model's own predictions of every pair, for any model."""
        movies = pl.concat([self._ids] * len(users))
        pairs = pl.DataFrame({USER: users.gather(np.repeat(np.arange(len(users)), len(self._ids)))})
        requests = Requests(pairs.with_columns(movies))
        mean = self.model.predict_rows(self.model.encode(requests)).mean.reshape(len(users), -1)
        top = Top(np.full((len(mean), count), -np.inf), np.full((len(mean), count), -1, np.int64))
        for line, scores in enumerate(mean):
            allowed = np.ones(len(scores), bool)
            allowed[excluded.of_user(line)] = False
            places = highest(scores, allowed, count)
            top.scores[line, : len(places)] = scores[places]
            top.places[line, : len(places)] = places
        return top

    def _table(self, users: pl.Series, top: Top) -> pl.DataFrame:
        line, rank = np.nonzero(top.places >= 0)
        return pl.DataFrame(
            {
                USER: users.gather(line),
                MOVIE: self._ids.gather(top.places[line, rank]),
                RANK: (rank + 1).astype(np.int32),
                STARS: self.model.scale.clip(top.scores[line, rank]),
            }
        )

    @cached_property
    def _bilinear(self) -> BilinearForm | None:
        return self.model.bilinear_form() if isinstance(self.model, HasBilinearForm) else None

    @cached_property
    def _ids(self) -> pl.Series:
        """The movies in the order of their ids; a movie's index is its place."""
        if self.movies is None:
            return candidates(self.model).sort()
        ids = self.model.movies.own_ids(self.movies.rename(MOVIE)).unique().sort()
        known = is_known(self.model, ids)
        # Raises for the first that is not known.
        self.model.movies.encode(ids.filter(~known), "raise")
        return ids

    @cached_property
    def _weights(self) -> F64:
        """Movie weights by place; those of the unknown for a movie without ratings."""
        assert self._bilinear is not None
        return self._bilinear.movies[self.model.movies.encode(self._ids)]

    @cached_property
    def _packed(self) -> F32:
        """Movie weights in single precision, a column for each movie: (1 + k, m)."""
        return np.ascontiguousarray(self._weights.astype(np.float32).T)

    @cached_property
    def _rated(self) -> RatedPairs:
        return RatedPairs.of(self.model, self._ids, self.rated)
