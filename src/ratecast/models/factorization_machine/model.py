"""Bayesian factorization machine with side information, sets of rated movies, and time.

Reference: Rendle, Zhang, Koren 2019, "On the difficulty of evaluating baselines"
(arXiv:1905.01395); Freudenthaler, Schmidt-Thieme, Rendle 2011, "Bayesian factorization machines".
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from ratecast.arrays import F32, I64
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows, as_unknown, grown
from ratecast.modelling.contract.settings import ABOVE_ZERO, FROM_ZERO, Choice, Limits, Range
from ratecast.modelling.contract.side_lines import SideLines, is_described
from ratecast.modelling.contract.vocabulary import UNKNOWN
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.modelling.history.rounds import walk_in_rounds
from ratecast.modelling.history.user_batches import (
    UserBatches,
    history_arrays,
    rating_columns,
    request_columns,
    restored_history,
    times,
)
from ratecast.modelling.history.user_history import RatingColumns, UserHistory
from ratecast.modelling.side_information.further_columns import FurtherColumns
from ratecast.modelling.side_information.labels import Labels
from ratecast.models.factorization_machine.features import (
    Sets,
    condensed,
    explained,
    feature_block,
    joined_labels,
    label_columns,
    movie_side,
    one_hot,
    products,
    rated_sets,
)
from ratecast.models.factorization_machine.fold_in import to_learn, walk_users
from ratecast.models.factorization_machine.fold_in_columns import (
    BatchColumns,
    LearnedUser,
    Likelihood,
    MovieSide,
    UserSide,
)
from ratecast.models.factorization_machine.ordinal_latent import OrdinalLatent
from ratecast.models.factorization_machine.sampler import Chains, Sample, chains_side_by_side
from ratecast.models.factorization_machine.time_effects import TimeEffects, time_keys
from ratecast.ratings import MOVIE, USER, Ratings


@dataclass(kw_only=True, eq=False)
class FactorizationMachine(Model):
    """Mean over posterior samples of level + b_user + b_movie + p_user . q_movie + sum of b_bin.

    (b, p) of a user is the sum of the coefficients of the user's id, of the user's labels (age,
    gender, occupation, zip), and of the rated movies / sqrt(their number); of a movie likewise id,
    labels (genres, year) and raters. A user without ratings has the mean set over all rows. b_bin
    are effects of the user's time bins, one for each width. New ratings update the user's vector,
    the user's set and the current time bins exactly in each sample; movie vectors stay fixed but
    for a damped mean residual (`MovieResiduals`).

    factors: length of p and q.
    chains: independent Markov chains.
    iterations: Gibbs iterations of each chain, more than `burn_in`.
    burn_in: iterations before the first sample.
    samples: posterior samples of each chain.
    timed: whether times are used, of the ratings and of the requests.
    time_bins: widths in seconds, each a divisor of the next.
    likelihood: "normal" for stars as numbers, or "ordinal" for ordered classes (`OrdinalLatent`),
        where the forecast is the sum of stars x probabilities.
    movie_damping: weight of a movie's prior mean residual 0, in ratings.

    Reference: Rendle, Zhang, Koren 2019, "On the difficulty of evaluating baselines"
    (arXiv:1905.01395); Freudenthaler, Schmidt-Thieme, Rendle 2011, "Bayesian factorization
    machines".
    Differs: see `Chains`; time enters as linear effects of the user in nested bins of time, from a
    day down to a second, which improve forecasts more than factors of the time.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.FactorizationMachine(factors=2, chains=1, iterations=25).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "factorization_machine"
    learns_from_valid: ClassVar[bool] = False
    uses_side_information: ClassVar[bool] = True
    search: ClassVar[dict[str, Range | Choice]] = {
        "likelihood": Choice(("normal", "ordinal")),
        "factors": Range(4, 32, log=True),
        "timed": Choice((False, True)),
    }
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
            none_left = f"model.iterations is {self.iterations}: none is left after model.burn_in"
            raise InputError(f"{none_left}; give more than {self.burn_in}")

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._history = UserHistory(rating_columns(train))
        # Ratings of a user, and of a time bin, follow each other: see `draw_factors`.
        train = train.take(np.lexsort((times(train), train.users)))
        sets = rated_sets(train, (len(self.users), len(self.movies)))
        tables = self.users.table, self.movies.table
        self._take_labels(tuple(Labels.of(t, FurtherColumns.of(t)) for t in tables))
        user, movie = (
            feature_block(self.factors, *side)
            for side in zip(sets, self._labels, tables, (train.users, train.movies), strict=True)
        )
        timed = self.timed and train.table.timed
        keys = time_keys(train.users, times(train), self.time_bins) if timed else []
        bins = [np.unique(key) for key in keys]
        linear = [one_hot(*pair) for pair in zip(keys, bins, strict=True)]
        # The prior variances are meant for stars of 1 to 5.
        stars = train.stars.astype(np.float64) / self.scale.unit

        def run(numbers: Sequence[int]) -> list[Sample]:
            blocks = copy(user), copy(movie), [copy(block) for block in linear]
            chains = Chains(stars, *blocks, [self.seed * 1000 + number for number in numbers])
            if self.likelihood == "ordinal":
                star, scale = self.scale.index(train.stars), self.scale.stars / self.scale.unit
                chains.latent = [OrdinalLatent(star, scale, draws) for draws in chains.random]
            return chains.sampled(np.linspace(self.burn_in, self.iterations, self.samples + 1))

        self._store(chains_side_by_side(run, self.chains), sets, movie.features, bins)
        self._movie_residuals = MovieResiduals.empty(len(self.movies), self.movie_damping)

    def _store(
        self, samples: list[Sample], sets: Sets, features: sp.csc_array, bins: list[I64]
    ) -> None:
        self._samples = condensed(samples, sets, features)
        # Linear effects add up, so a mean forecast needs their mean only.
        effects = [np.mean([s.linear[b] for s in samples], 0) for b in range(len(bins))]
        self._time_effects = TimeEffects(self.time_bins, bins, effects)
        noises = [np.mean([s.noise[side] for s in samples], 0) for side in (0, 1)]
        # Row 0, an unknown user or movie, has the median noise.
        self._noise = [np.append(np.median(noise), noise) for noise in noises]

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        together = np.zeros(len(rows), np.int64)
        user = self._one_user(rows)
        if user is None:
            expected = self._predict(rows, request_columns(rows), together)
        else:
            known = self._history.cache.get(user)
            learned = known or to_learn(*self._samples["mean_set"].shape)
            expected = self._predict(rows, request_columns(rows), together, learned)
            if known is None:
                self._history.cached(user, learned._replace(is_known=True))
        return self._movie_residuals.corrected(expected, rows.movies)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        expected = walk_in_rounds(rows, edges, self._walk, len(self.users))
        return self._movie_residuals.walk(expected, rows, edges)

    def _walk(self, rows: Rows, group: I64) -> Expected:
        ratings = rating_columns(rows)
        expected = self._predict(rows, ratings, group)
        self._history.learn(ratings, rows.former_stars.astype(np.float64))
        return expected

    @override
    def grow(self) -> None:
        self._movie_residuals.grow(len(self.movies))
        sizes = len(self.users), len(self.movies)
        self._noise = [grown(*side) for side in zip(self._noise, sizes, strict=True)]
        vectors = self._samples["vectors"]
        if len(vectors) < len(self.movies):
            labels = joined_labels(self._labels[1], self.movies.table[len(vectors) - 1 :])
            self._samples["vectors"] = np.concatenate([vectors, self._new_vectors(labels)])

    @override
    def precompute(self, shared_with: Any = None) -> None:
        self._sides[0].keep_all(self.users)

    @override
    def forget_row(self, row: int) -> None:
        self._history.forget(row)
        self._sides[0].forget(row)
        as_unknown(row, self._noise[0])
        self._time_effects.forget(row)

    def _take_labels(self, labels: tuple[Labels, ...]) -> None:
        """Labels of users and of movies."""
        self._labels = labels
        self._sides = tuple(SideLines(partial(label_columns, each)) for each in labels)

    def _new_vectors(self, labels: sp.csr_array) -> F32:
        """Vectors of movies that the fit did not know, by labels: (lines, s, 1 + factors)."""
        by_labels = products(labels, self._samples["labels.movie"])
        vectors: F32 = self._samples["vectors"][:1] + by_labels
        return vectors

    def _one_user(self, rows: Rows) -> int | None:
        """Row number of the user of requests that one state of the user answers."""
        timed = bool(self._time_effects.bins) and rows.table.timed
        if timed or not len(rows) or (rows.users != rows.users[0]).any():
            return None
        return None if is_described(rows, self.users) else int(rows.users[0])

    def _predict(
        self,
        rows: Rows,
        requests: RatingColumns,
        group: I64,
        learned: LearnedUser | None = None,
    ) -> Expected:
        """Expected stars of each row, from its user's ratings of earlier time groups.

        requests: the columns of `rows`. group: (n,) time group of each row. learned: see
        `walk_users`.
        """
        samples, users = self._samples, self._sides[0].of(rows, self.users)
        number, place = np.unique(users.numbers, return_index=True)
        is_known = learned is not None and learned.is_known
        past = RatingColumns.empty() if is_known else self._history.of_users(number)
        local = place[np.searchsorted(number, past.users)], users.which
        batches = UserBatches.of(past, requests, local, group)
        lines, movies = self._movies_of(past, rows)
        lines = lines[batches.order]
        effect, bins = self._time_effects.of(batches.rows, samples["bin_variances"])
        noise = self._noise[0][batches.rows.users] * self._noise[1][batches.rows.movies]
        target = explained(batches.rows.stars, samples, self.scale) - effect
        labels = products(users.columns[0], samples["labels.user"])
        mean, variance, probabilities = walk_users(
            BatchColumns(batches.edges, lines, target, effect, noise, batches.group),
            bins,
            UserSide(labels, samples["mean_set"], samples["precision"]),
            movies,
            Likelihood(samples["level"], samples["cuts"]),
            learned=learned,
        )
        mean, variance = mean[batches.requested], (variance + noise)[batches.requested]
        if samples["cuts"].shape[1]:
            stars = self.scale.stars / self.scale.unit
            probabilities = probabilities[batches.requested]
            mean = (probabilities * stars).sum(axis=1)
            variance = (probabilities * (stars - mean[:, None]) ** 2).sum(axis=1)
        return Expected(self.scale.unit * mean, self.scale.unit * np.sqrt(variance))

    def _movies_of(self, past: RatingColumns, rows: Rows) -> tuple[I64, MovieSide]:
        """See `movie_side`: of the past ratings, then of `rows`; new movies after the known."""
        vectors, unknown = self._samples["vectors"], rows.movies == UNKNOWN
        number, new = rows.movies.astype(np.int64), vectors[:0]
        if unknown.any():
            lines = self._sides[1].of_unknown(rows, self.movies)
            number[unknown] = len(vectors) + lines.which
            new = self._new_vectors(lines.columns[0])
        return movie_side(np.concatenate([past.movies, number]), self._samples, new)

    @override
    def arrays(self) -> Arrays:
        arrays = {f"samples.{name}": value for name, value in self._samples.items()}
        arrays |= {"noise.user": self._noise[0], "noise.movie": self._noise[1]}
        arrays |= {"movie_residuals": self._movie_residuals.sums} | history_arrays(self._history)
        for kind, labels in zip((USER, MOVIE), self._labels, strict=True):
            arrays |= labels.packed(kind)
        return arrays | self._time_effects.arrays()

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        own = {name: array for name, array in arrays.items() if name.startswith("samples.")}
        self._samples = {name.partition(".")[2]: array for name, array in own.items()}
        users, movies = self._samples["fitted"]
        tables = self.users.table[:users], self.movies.table[:movies]
        labels = (Labels.unpacked(arrays, k, t) for k, t in zip((USER, MOVIE), tables, strict=True))
        self._take_labels(tuple(labels))
        self._noise = [arrays["noise.user"], arrays["noise.movie"]]
        self._time_effects = TimeEffects.restored(self.time_bins, arrays)
        self._history = restored_history(arrays)
        self._movie_residuals = MovieResiduals(arrays["movie_residuals"], self.movie_damping)
