"""Bayesian factorization machine with side information, sets of rated movies, and time.

Reference: Rendle, Zhang, Koren 2019, "On the difficulty of evaluating baselines"
(arXiv:1905.01395); Freudenthaler, Schmidt-Thieme, Rendle 2011, "Bayesian factorization machines".
Differs: see `bfm_chain`; time enters as linear effects of the user in nested bins of time, from a
day down to a second, which are worth more than factors of the time are.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from ratecast.models.base import Arrays, Model
from ratecast.models.bfm_chain import Block, Chain, Sample
from ratecast.models.rows import Expected, Rows
from ratecast.models.traits import Labels
from ratecast.models.vocabulary import Vocabulary
from ratecast.ratings import MOVIE, USER, Ratings

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

# The moment's share of a key that names a user and a bin of time: seconds stay below 2^40.
_MOMENT_BITS = 40
_PREDICT_ROWS = 50_000


@dataclass(kw_only=True, eq=False)
class BayesianFM(Model):
    """Mean forecast of some posterior samples, kept as float32.

    A user's vector sums her id's, those of the movies she rated (each / sqrt(their number)) and
    those of her age, gender, occupation and zip; a movie's likewise (raters, genres, year). A user
    without ratings has the mean set of all rows. timed: use the request's own moment, where both
    tables have one; bins: their widths in seconds.
    """

    name: ClassVar[str] = "bfm"
    factors: int = 12
    chains: int = 3
    sweeps: int = 120
    burn_in: int = 20
    kept: int = 16
    timed: bool = True
    bins: list[int] = field(default_factory=lambda: [1, 300, 900, 2700, 86400])

    def _fit(self, train: Rows, valid: Ratings | None) -> None:
        self._user_of, self._movie_of = train.users, train.movies
        self._prepare()
        user = self._block(self._users_known(), train.users)
        movie = self._block(self._movies_known(), train.movies)
        timed = self.timed and train.table.timed
        keys = self._keys(train) if timed else []
        self._bins = [np.unique(key) for key in keys]
        linear = [_one_hot(key, met) for key, met in zip(keys, self._bins, strict=True)]
        samples = []
        for chain in range(self.chains):
            stars = train.stars.astype(np.float64)
            samples += self._run(Chain(stars, user, movie, linear, self.seed * 1000 + chain))
        self._keep(samples)

    def _run(self, chain: Chain) -> list[Sample]:
        """The last sample of each of `kept` equal stretches after the burn-in."""
        keep = set(np.linspace(self.burn_in, self.sweeps, self.kept + 1)[1:].astype(int).tolist())
        samples = []
        for sweep in range(1, self.sweeps + 1):
            chain.sweep()
            if sweep in keep:
                samples.append(chain.sample())
        return samples

    def _keep(self, samples: list[Sample]) -> None:
        self._level = np.array([s.level for s in samples])
        self._user = np.stack([s.user for s in samples]).astype(np.float32)
        self._movie = np.stack([s.movie for s in samples]).astype(np.float32)
        # Linear effects add up, so that their mean is all that a mean forecast needs.
        self._effects = [np.mean([s.linear[b] for s in samples], 0) for b in range(len(self._bins))]
        noises = [np.mean([s.noise[w] for s in samples], 0) for w in (0, 1)]
        # Line 0, the unknown's, has the usual noise.
        self._noise = [np.append(np.median(noise), noise) for noise in noises]

    def _expect(self, rows: Rows) -> Expected:
        parts = range(0, max(len(rows), 1), _PREDICT_ROWS)
        return Expected.concat([self._part(rows.take(slice(k, k + _PREDICT_ROWS))) for k in parts])

    def _part(self, rows: Rows) -> Expected:
        users, mine = self._asked(USER, rows)
        movies, other = self._asked(MOVIE, rows)
        p, q = _sums(users, self._user), _sums(movies, self._movie)
        mean, square = np.zeros(len(rows)), np.zeros(len(rows))
        for s, level in enumerate(self._level):
            forecast = level + p[s, 0][mine] + q[s, 0][other]
            forecast += np.einsum("kn,kn->n", p[s, 1:][:, mine], q[s, 1:][:, other])
            step = forecast - mean
            mean += step / (s + 1)
            square += step * (forecast - mean)
        noise = self._noise[0][rows.users] * self._noise[1][rows.movies]
        return Expected(mean + self._time(rows), np.sqrt(square / len(self._level) + noise))

    def _time(self, rows: Rows) -> F64:
        """Sum of the effects of the user's bins of time; 0 for a bin without ratings."""
        effect = np.zeros(len(rows))
        if not (self._bins and rows.table.timed):
            return effect
        for key, met, values in zip(self._keys(rows), self._bins, self._effects, strict=True):
            at = np.minimum(np.searchsorted(met, key), len(met) - 1)
            effect += np.where(met[at] == key, values[at], 0.0)
        return effect

    def _keys(self, rows: Rows) -> list[I64]:
        user, at = rows.users.astype(np.int64) << _MOMENT_BITS, rows.table.frame["at"].to_numpy()
        return [user + at // width for width in self.bins]

    def _prepare(self) -> None:
        """What follows from the ratings' pairs and from the vocabularies."""
        shape = len(self.users), len(self.movies)
        pairs = sp.csr_array((np.ones(len(self._user_of)), (self._user_of, self._movie_of)), shape)
        pairs.data[:] = 1.0
        self._sets = {USER: _normed(pairs), MOVIE: _normed(sp.csr_array(pairs.T))}
        self._labels = {USER: Labels.of(self.users.table), MOVIE: Labels.of(self.movies.table)}

    def _users_known(self) -> list[sp.csr_array]:
        return self._features(USER, np.arange(1, len(self.users)), self.users.table)

    def _movies_known(self) -> list[sp.csr_array]:
        return self._features(MOVIE, np.arange(1, len(self.movies)), self.movies.table)

    def _features(
        self, kind: str, lines: NDArray[np.integer], side: pl.DataFrame
    ) -> list[sp.csr_array]:
        """Features of users or movies by group, each (lines, features of the group)."""
        ids = sp.eye_array(self._sets[kind].shape[0], format="csr")[:, 1:]
        return [ids[lines], self._sets[kind][lines], *self._labels[kind].matrices(side).values()]

    def _block(self, groups: list[sp.csr_array], rows: I32) -> Block:
        group = np.repeat(np.arange(len(groups)), [part.shape[1] for part in groups])
        features = sp.csc_array(sp.hstack(groups))
        return Block(features, group.astype(np.int32), rows - 1, self.factors)

    def _asked(self, kind: str, rows: Rows) -> tuple[sp.csr_array, I64]:
        """Features of the distinct users or movies asked for, and which one each row asks for."""
        vocabulary: Vocabulary = getattr(self, f"{kind}s")
        more: pl.DataFrame = getattr(rows.table, f"{kind}s")
        ids = rows.table.frame[kind]
        distinct = ids.unique(maintain_order=True)
        side, lines = vocabulary.side(distinct, more), vocabulary.encode(distinct)
        number = distinct.to_frame().with_row_index("_row")
        which = ids.to_frame().join(number, on=kind, how="left", maintain_order="left")["_row"]
        return sp.csr_array(sp.hstack(self._features(kind, lines, side))), which.to_numpy()

    def _arrays(self) -> Arrays:
        arrays: Arrays = {"user_of": self._user_of, "movie_of": self._movie_of}
        arrays |= {"level": self._level, "user": self._user, "movie": self._movie}
        arrays |= {"noise.user": self._noise[0], "noise.movie": self._noise[1]}
        for b, (met, effect) in enumerate(zip(self._bins, self._effects, strict=True)):
            arrays |= {f"bin.{b}": met, f"effect.{b}": effect}
        return arrays

    def _restore(self, arrays: Arrays) -> None:
        self._user_of, self._movie_of = arrays["user_of"], arrays["movie_of"]
        self._level, self._user, self._movie = arrays["level"], arrays["user"], arrays["movie"]
        self._noise = [arrays["noise.user"], arrays["noise.movie"]]
        bins = range(sum(name.startswith("bin.") for name in arrays))
        self._bins = [arrays[f"bin.{b}"] for b in bins]
        self._effects = [arrays[f"effect.{b}"] for b in bins]
        self._prepare()


def _one_hot(key: I64, met: I64) -> Block:
    """A linear block with one feature for each distinct key."""
    index = np.searchsorted(met, key).astype(np.int32)
    return Block(sp.eye_array(len(met), format="csc"), np.zeros(len(met), np.int32), index, 0)


def _normed(pairs: sp.csr_array) -> sp.csr_array:
    """Lines of `pairs` / sqrt(their count); line 0 becomes their mean over ratings; no column 0."""
    count = np.asarray(pairs.sum(axis=1))
    normed = sp.csr_array(sp.diags_array(np.maximum(count, 1) ** -0.5) @ pairs)[:, 1:]
    mean = sp.csr_array((count / count.sum())[None, :] @ normed)
    return sp.csr_array(sp.vstack([mean, normed[1:]]))


def _sums(features: sp.csr_array, samples: F32) -> F32:
    """Sample by sample, features x coefficients: (samples, 1 + factors, lines)."""
    flat = samples.reshape(-1, samples.shape[2])
    sums: F32 = features.astype(np.float32) @ np.ascontiguousarray(flat.T)
    return np.ascontiguousarray(sums.T).reshape(*samples.shape[:2], -1)
