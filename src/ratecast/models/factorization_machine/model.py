"""Bayesian factorization machine with side information, sets of rated movies, and time.

Reference: Rendle, Zhang, Koren 2019, "On the difficulty of evaluating baselines"
(arXiv:1905.01395); Freudenthaler, Schmidt-Thieme, Rendle 2011, "Bayesian factorization machines".
Differs: see `factorization_machine/chain`; time enters as linear effects of the user in nested bins
of time, from a day down to a second, which are worth more than factors of the time are.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import scipy.sparse as sp
from typing_extensions import override

from ratecast.arrays import F32, F64, I32, I64
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows, grown
from ratecast.modelling.contract.settings import ABOVE_ZERO, FROM_ZERO, Limits
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.modelling.history.user_batches import (
    NO_TIME,
    UserBatches,
    distinct,
    group_ids,
    history_arrays,
    rating_columns,
    request_columns,
    restored_history,
    times,
)
from ratecast.modelling.history.user_history import RatingColumns, UserHistory
from ratecast.modelling.side_information.labels import Labels
from ratecast.models.factorization_machine.features import (
    Sets,
    block,
    condensed,
    joined,
    one_hot,
    sets_of,
    sums,
)
from ratecast.models.factorization_machine.fold_in import follow
from ratecast.models.factorization_machine.ordinal_latent import Latent
from ratecast.models.factorization_machine.sampler import Chain, Sample
from ratecast.ratings import MOVIE, USER, Ratings

# The moment's share of a key that names a user and a bin of time: seconds stay below 2^40.
_MOMENT_BITS = 40


@dataclass(kw_only=True, eq=False)
class FactorizationMachine(Model):
    """Mean forecast of some posterior samples, each conditioned on what the user said.

    A user's vector sums her id's, those of the movies she rated (each / sqrt(their number)) and
    those of her age, gender, occupation and zip; a movie's likewise (raters, genres, year). A user
    without ratings has the mean set of all rows. Of what is heard, the user's own vector and set
    take account, and the effects of the present bins of time; movies' vectors stay, see
    `MovieResiduals`.
    timed: use the request's own moment, where both tables have one; bins: their widths in seconds,
    each a part of the next. likelihood: stars as numbers, or as ordered classes (see
    `factorization_machine/latent`), where the forecast is the sum of stars x probabilities.
    """

    name: ClassVar[str] = "factorization_machine"
    limits: ClassVar[Limits] = {"burn_in": FROM_ZERO, "movie_damping": ABOVE_ZERO}
    factors: int = 12
    chains: int = 3
    iterations: int = 120
    burn_in: int = 20
    samples: int = 16
    timed: bool = True
    time_bins: list[int] = field(default_factory=lambda: [1, 300, 900, 2700, 86400])
    likelihood: Literal["normal", "ordinal"] = "normal"
    movie_damping: float = 60.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.iterations <= self.burn_in:
            raise InputError(
                f"model.iterations is {self.iterations}: none is left after model.burn_in; give "
                f"more than {self.burn_in}"
            )

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        sets = sets_of(train, (len(self.users), len(self.movies)))
        self._labels = Labels.of(self.users.table), Labels.of(self.movies.table)
        user = block(self.factors, sets[0], (self._labels[0], self.users.table), train.users)
        movie = block(self.factors, sets[1], (self._labels[1], self.movies.table), train.movies)
        keys = self._keys(train.users, times(train)) if self.timed and train.table.timed else []
        self._bins = [np.unique(key) for key in keys]
        linear = [one_hot(key, met) for key, met in zip(keys, self._bins, strict=True)]
        samples = []
        for number in range(self.chains):
            seed = self.seed * 1000 + number
            chain = Chain(train.stars.astype(np.float64), user, movie, linear, seed)
            if self.likelihood == "ordinal":
                star = self.scale.index(train.stars)
                chain.latent = Latent(star, self.scale.stars, chain.random)
            samples += self._run(chain)
        self._keep(samples, sets, movie.features)
        self._history = UserHistory(rating_columns(train))
        self._movie_residuals = MovieResiduals.empty(len(self.movies), self.movie_damping)

    def _run(self, chain: Chain) -> list[Sample]:
        """The last sample of each of `samples` equal stretches after the burn-in."""
        keep = set(
            np.linspace(self.burn_in, self.iterations, self.samples + 1)[1:].astype(int).tolist()
        )
        samples = []
        for sweep in range(1, self.iterations + 1):
            chain.sweep()
            if sweep in keep:
                samples.append(chain.sample())
        return samples

    def _keep(self, samples: list[Sample], sets: Sets, features: sp.csc_array) -> None:
        self._kept = condensed(samples, sets, features)
        # Linear effects add up, so that their mean is all that a mean forecast needs.
        self._effects = [np.mean([s.linear[b] for s in samples], 0) for b in range(len(self._bins))]
        noises = [np.mean([s.noise[w] for s in samples], 0) for w in (0, 1)]
        # Line 0, the unknown's, has the usual noise.
        self._noise = [np.append(np.median(noise), noise) for noise in noises]

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        said = self._follow(rows, request_columns(rows), np.zeros(len(rows), np.int64))
        return self._movie_residuals.corrected(said, rows.movies)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        heard = rating_columns(rows)
        said = self._follow(rows, heard, group_ids(edges))
        self._history.add(heard)
        return self._movie_residuals.walk(said, rows.movies, rows.stars, edges)

    @override
    def grow(self) -> None:
        self._movie_residuals.grow(len(self.movies))
        self._noise = [
            grown(self._noise[0], len(self.users)),
            grown(self._noise[1], len(self.movies)),
        ]
        vectors = self._kept["vectors"]
        fresh = self._new_vectors(self.movies.table[len(vectors) - 1 :])
        self._kept["vectors"] = np.concatenate([vectors, fresh])

    def _new_vectors(self, side: pl.DataFrame) -> F32:
        """Vectors of movies that the fit did not know: (lines, samples, 1 + factors)."""
        labels = joined(self._labels[1], side)
        vectors: F32 = self._kept["vectors"][:1] + sums(labels, self._kept["labels.movie"])
        return vectors

    def _follow(self, rows: Rows, heard: RatingColumns, moment: I64) -> Expected:
        """What is expected of each row, told what its user said before its moment."""
        user, users = distinct(rows.table.frame[USER])
        movie, movies = distinct(rows.table.frame[MOVIE])
        known, number = self._kept, self.users.encode(users)
        past = self._history.of_users(np.unique(rows.users))
        local = np.zeros(len(self.users), np.int64)
        local[number] = np.arange(len(number))
        batches = UserBatches.of(past, heard, (local[past.users], user), moment)
        side = self.movies.side(movies, rows.table.movies)
        new = self.movies.encode(movies) == 0
        place = np.cumsum(new) - 1 + len(known["vectors"])
        lines = np.where(rows.movies > 0, rows.movies, place[movie])
        lines = np.concatenate([past.movies, lines])[batches.order]
        effect, keys, unknown = self._time(batches.rows)
        noise = self._noise[0][batches.rows.users] * self._noise[1][batches.rows.movies]
        labels = joined(self._labels[0], self.users.side(users, rows.table.users))
        target = self._targets(batches.rows.stars) - effect
        mean, variance, shares = follow(
            (batches.edges, lines, target, effect, noise, batches.group),
            (keys, unknown, known["loose"]),
            (sums(labels, known["labels.user"]), known["usual"], known["ridge"]),
            (
                np.concatenate([known["vectors"], self._new_vectors(side.filter(new))]),
                known["company"],
            ),
            (known["level"], known["cuts"]),
        )
        mean, variance = mean[batches.requested], (variance + noise)[batches.requested]
        if known["cuts"].shape[1]:
            stars, shares = self.scale.stars, shares[batches.requested]
            mean = (shares * stars).sum(axis=1)
            variance = (shares * (stars - mean[:, None]) ** 2).sum(axis=1)
        return Expected(mean, np.sqrt(variance))

    def _targets(self, stars: F64) -> F64:
        """Stars as what the samples explain."""
        if not self._kept["cuts"].shape[1]:
            return stars
        # What is asked, and has no star yet, is never a target.
        known = np.maximum(stars, self.scale.low)
        return np.asarray(self._kept["points"][self.scale.index(known)], np.float64)

    def _time(self, rows: RatingColumns) -> tuple[F64, I64, F64]:
        """Known effects, summed; bins of time, (n, b), and 1 where one's effect is not known."""
        effect, shape = np.zeros(len(rows)), (len(rows), len(self._bins))
        keys, unknown = np.zeros(shape, np.int64), np.zeros(shape)
        found = zip(self._keys(rows.users, rows.at), self._bins, self._effects, strict=False)
        for b, (key, met, values) in enumerate(found):
            at = np.minimum(np.searchsorted(met, key), len(met) - 1)
            known = met[at] == key
            effect += np.where(known, values[at], 0.0)
            keys[:, b], unknown[:, b] = key, ~known
        return effect, keys, unknown

    def _keys(self, users: I32, at: I64) -> list[I64]:
        user = users.astype(np.int64) << _MOMENT_BITS
        # No user's bin is -1.
        return [np.where(at == NO_TIME, -1, user + at // width) for width in self.time_bins]

    @override
    def arrays(self) -> Arrays:
        arrays = {f"kept.{name}": value for name, value in self._kept.items()}
        arrays |= {"noise.user": self._noise[0], "noise.movie": self._noise[1]}
        arrays |= {"movie_residuals": self._movie_residuals.sums} | history_arrays(self._history)
        for b, (met, effect) in enumerate(zip(self._bins, self._effects, strict=True)):
            arrays |= {f"bin.{b}": met, f"effect.{b}": effect}
        return arrays

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        own = {name: array for name, array in arrays.items() if name.startswith("kept.")}
        self._kept = {name.partition(".")[2]: array for name, array in own.items()}
        users, movies = self._kept["fitted"]
        self._labels = Labels.of(self.users.table[:users]), Labels.of(self.movies.table[:movies])
        self._noise = [arrays["noise.user"], arrays["noise.movie"]]
        bins = range(sum(name.startswith("bin.") for name in arrays))
        self._bins = [arrays[f"bin.{b}"] for b in bins]
        self._effects = [arrays[f"effect.{b}"] for b in bins]
        self._history = restored_history(arrays)
        self._movie_residuals = MovieResiduals(arrays["movie_residuals"], self.movie_damping)
