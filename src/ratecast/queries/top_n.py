"""The best movies for users: those of the highest expected stars, beside what they have rated."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F32, F64, I32, I64
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.modelling.factors.pair_scores import HasProduct, Product
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.modelling.kernels.csr import Heap
from ratecast.queries.top_n_kernel import keep, settle
from ratecast.ratings import MOVIE, USER, Requests

Found = tuple[F64, I64]

RANK, STARS = "rank", "stars"
# Of the best in single precision so many more are looked at in double precision.
SPARE, ROUNDING = 8, 1e-4
USERS, TILE_BYTES, PAIRS = 512, 1 << 22, 1 << 20


def best(worth: F64, allowed: NDArray[np.bool_], count: int) -> I64:
    """Places of the `count` highest of what is allowed, best first, ties in order: (count,)."""
    lines = np.flatnonzero(allowed)
    if 0 < count < len(lines):
        least = np.partition(worth[lines], len(lines) - count)[len(lines) - count]
        lines = lines[worth[lines] >= least]
    return lines[np.argsort(-worth[lines], kind="stable")[:count]]


@dataclass(frozen=True)
class Barred:
    """What may not be recommended: edges (users + 1,) and places of movies (n,), ascending."""

    edges: I64
    places: I32

    @classmethod
    def of(cls, users: I32, places: I32, sizes: tuple[int, int]) -> Self:
        """From pairs in any order; sizes: of users and of places."""
        none = np.zeros(len(users), np.float32)
        by_place = Heap.of(places, users, none, sizes[1])
        by_user = Heap.of(by_place.others, by_place.triples[0], none, sizes[0])
        return cls(by_user.edges, by_user.others)

    def of_users(self, rows: I32) -> "Barred":
        """Those of some users, one after the other; of the unknown, none."""
        counts = np.where(rows > 0, self.edges[rows + 1] - self.edges[rows], 0)
        edges = np.concatenate([[0], np.cumsum(counts)])
        inside = np.arange(edges[-1]) - np.repeat(edges[:-1], counts)
        return Barred(edges, self.places[np.repeat(self.edges[rows], counts) + inside])


@dataclass(frozen=True, eq=False)
class Recommender:
    """A model that ranks all movies for users, as of now.

    rated: pairs of user and movie that are left out; None leaves out nothing, but for a model that
    remembers what it heard, which leaves that out. The order is that of the expected stars before
    they are brought onto the scale, ties that of the ids.
    A model with factors ranks in single precision, block by block, and orders the best of it in
    double precision; where single precision cannot tell who is among them, all movies are looked
    at again. Either way the answer is that of `predict` for every movie.
    """

    model: Model
    rated: Requests | None = None

    def top(self, users: pl.Series, count: int = 10) -> pl.DataFrame:
        """Columns user, movie, rank (from 1) and stars: at most `count` lines for each user."""
        return pl.concat(list(self.blocks(users, count)))

    def blocks(self, users: pl.Series, count: int = 10) -> Iterator[pl.DataFrame]:
        """The same, some hundred users at a time: as little memory for many as for few."""
        if count < 1:
            raise InputError(f"recommend: {count} movies for each user; give 1 or more")
        rows = self.model.users.encode(users.rename(USER))
        step = USERS if self._product else max(1, PAIRS // max(len(self._ids), 1))
        for start in range(0, max(len(rows), 1), step):
            part = slice(start, start + step)
            yield self._table(users[part], *self._best(rows[part], users[part], count))

    def _best(self, rows: I32, users: pl.Series, count: int) -> Found:
        barred = self._barred.of_users(rows)
        if self._product is None:
            return self._plain(users, barred, count)
        kept = min(count + SPARE, len(self._ids))
        places = self._nearly(rows, barred, kept)
        stars, at = np.empty((len(rows), kept)), np.empty((len(rows), kept), np.int64)
        settle(rows, places[1], (self._product.users, self._weights), (stars, at))
        if kept < len(self._ids):
            # The worst kept, in single precision, against the last that is answered.
            near = places[0][:, -1] + self._product.users[rows, 0] > stars[:, count - 1] - ROUNDING
            for line in np.flatnonzero(near & (at[:, count - 1] >= 0)).tolist():
                self._exactly(rows[line], barred, line, (stars[line], at[line]))
        product = self._product
        return product.level + product.unit * stars[:, :count], at[:, :count]

    def _nearly(self, rows: I32, barred: Barred, kept: int) -> tuple[F32, I64]:
        """Scores without the user's bias, and places, of the best in single precision."""
        assert self._product is not None
        mine = self._product.users[rows].astype(np.float32)
        mine[:, 0] = 1
        best = np.full((len(rows), kept), -np.inf, np.float32)
        at = np.full((len(rows), kept), -1, np.int64)
        step = TILE_BYTES // (4 * max(len(rows), 1))
        for start in range(0, len(self._ids), step):
            scores = mine @ self._packed[:, start : start + step]
            keep(scores, start, (barred.edges, barred.places), (best, at))
        return best, at

    def _exactly(self, row: np.int32, barred: Barred, line: int, found: Found) -> None:
        """Fill in one user's best of all movies that are left."""
        assert self._product is not None
        own = barred.places[barred.edges[line] : barred.edges[line + 1]]
        left = np.setdiff1d(np.arange(len(self._ids)), own)[None]
        sides = self._product.users, self._weights
        settle(np.array([row]), left, sides, (found[0][None], found[1][None]))

    def _plain(self, users: pl.Series, barred: Barred, count: int) -> Found:
        """By the forecasts of the model itself, for any model."""
        movies = pl.concat([self._ids] * len(users))
        asked = pl.DataFrame({USER: users.gather(np.repeat(np.arange(len(users)), len(self._ids)))})
        requests = Requests(asked.with_columns(movies))
        worth = self.model.predict_rows(self.model.encode(requests)).mean.reshape(len(users), -1)
        found = []
        for line, own in enumerate(worth):
            allowed = np.ones(len(own), bool)
            allowed[barred.places[barred.edges[line] : barred.edges[line + 1]]] = False
            at = best(own, allowed, count)
            found.append(_filled(own[at], at, count))
        stars, at = (np.array(column).reshape(-1, count) for column in zip(*found, strict=True))
        return stars, at

    def _table(self, users: pl.Series, stars: F64, at: I64) -> pl.DataFrame:
        line, rank = np.nonzero(at >= 0)
        return pl.DataFrame(
            {
                USER: users.gather(line),
                MOVIE: self._ids.gather(at[line, rank]),
                RANK: (rank + 1).astype(np.int32),
                STARS: self.model.scale.clip(stars[line, rank]),
            }
        )

    @cached_property
    def _product(self) -> Product | None:
        return self.model.bilinear_form() if isinstance(self.model, HasProduct) else None

    @cached_property
    def _rows(self) -> I64:
        """Row numbers of the movies in the order of their ids."""
        return self.model.movies.table[MOVIE].arg_sort().to_numpy().astype(np.int64) + 1

    @cached_property
    def _ids(self) -> pl.Series:
        return self.model.movies.table[MOVIE].gather(self._rows - 1)

    @cached_property
    def _weights(self) -> F64:
        assert self._product is not None
        return self._product.movies[self._rows]

    @cached_property
    def _packed(self) -> F32:
        """Weights in single precision, a column for each movie: (1 + k, m)."""
        return np.ascontiguousarray(self._weights.astype(np.float32).T)

    @cached_property
    def _barred(self) -> Barred:
        place = np.zeros(len(self.model.movies), np.int32)
        place[self._rows] = np.arange(len(self._rows))
        users, movies = self._pairs()
        known = (users > 0) & (movies > 0)
        sizes = len(self.model.users), max(len(self._rows), 1)
        return Barred.of(users[known], place[movies[known]], sizes)

    def _pairs(self) -> tuple[I32, I32]:
        if self.rated is not None:
            rows = self.model.encode(self.rated)
            return rows.users, rows.movies
        if isinstance(self.model, HistoryModel):
            heard = self.model.history.all_ratings()
            return heard.users, heard.movies
        none = np.zeros(0, np.int32)
        return none, none


def _filled(stars: F64, at: I64, count: int) -> Found:
    """`count` of them, with none at the end where there are too few."""
    missing = (0, max(count - len(at), 0))
    return (
        np.pad(stars[:count], missing, constant_values=-np.inf),
        np.pad(at[:count], missing, constant_values=-1),
    )
