"""Attention over a user's earlier ratings: similar movies and recent ratings, without a refit."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from typing_extensions import override

from ratecast.arrays import F64, I64, read_only
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Expected, Rows, grown
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.factors.bilinear import leave_own_out
from ratecast.modelling.factors.bilinear_state import BilinearState, Centring
from ratecast.modelling.history.linked_history import NONE, places_of
from ratecast.modelling.nets.net_model import NetModel, TrainerSettings, TrainingTask
from ratecast.models.als.model import ALS
from ratecast.models.attention.inference import (
    Memory,
    NetWeights,
    movie_inputs,
    predict,
    update,
    update_memory,
)
from ratecast.ratings import AT, MOVIE, USER, Ratings, Requests

if TYPE_CHECKING:
    from ratecast.models.attention.net import AttentionNet
    from ratecast.models.attention.net_sequences import UserSequences

FACTOR_STD = 0.5


@dataclass(kw_only=True, eq=False)
class Attention(NetModel):
    """stars(u, i) = mean + level + slope (s_i - mean) + Σ_k attention of layer k.

    s_i: stars of an unknown user for the movie, by `als`. Layer k adds a softmax-weighted mean of
    the errors of layer k - 1 at the user's earlier ratings, see `ErrorAttention`. The movies'
    factors are those of `als`. Only ratings of earlier times count. A new rating adds a key and a
    value to the user's history, and updates the movie's factors.

    factors: length of a movie's vector, and width of a layer.
    layers: their number.
    max_history: how many of a user's latest ratings are used.
    l2: penalty of the layers' weights, noise variance / prior variance.
    trainer: epochs, batch size and learning rate, see `TrainerSettings`.
    seed: of the initial numbers and the order of the batches.

    Reference: Zhou et al. 2018, "Deep interest network for click-through rate prediction" (the
    target movie attends to the history); Kang, McAuley 2018, "Self-attentive sequential
    recommendation" (only earlier ratings count); Garnelo et al. 2018, "Conditional neural
    processes" (trained on contexts of any length, so that a new user needs no weights).
    Differs: in training, each row's movie has the factors that `als` would give it without that
    row (as-of validation RMSE 0.916 -> 0.912, without updates of movies); values carry the errors
    of the layer below, not the stars; the softmax has a null slot, which shrinks short histories.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.Attention(factors=2, layers=1, trainer={"epochs": 2}).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "attention"
    overfits_batch: ClassVar[bool] = False
    regularizers: ClassVar[tuple[str, ...]] = ("l2",)
    factors: int = 8
    layers: int = 2
    max_history: int = 256
    l2: float = 1.0
    trainer: TrainerSettings = field(
        default_factory=lambda: TrainerSettings(epochs=12, learning_rate=0.01)
    )

    net: "AttentionNet" = field(init=False, repr=False)
    als_state: BilinearState = field(init=False, repr=False)
    noise: float = field(init=False, repr=False)
    _unknown_user: F64 = field(init=False, repr=False)
    _weights: NetWeights = field(init=False, repr=False)
    _memory: Memory = field(init=False, repr=False)
    _size: int = field(default=0, init=False, repr=False)

    @override
    def make_net(self, users: int, movies: int, mean: float) -> "AttentionNet":
        from ratecast.models.attention.net import AttentionNet

        net = AttentionNet(self.factors, self.layers, self.max_history, self.l2)
        net.mean.fill_(mean)
        return net

    @override
    def training_task(self, train: Rows, valid: Ratings | None) -> TrainingTask:
        """Whole rating sequences; those of `valid` continue the ones of train."""
        from ratecast.models.attention.net_sequences import user_sequences

        times, inputs = _times(train.table), self._train_inputs(train)
        stars = train.stars / np.float32(self.scale.unit)
        data = user_sequences(train.users, stars, times, inputs, self.max_history)
        task = TrainingTask.on(self.scale, (data, None), self.trainer, self.seed)
        return task if valid is None else replace(task, valid=self._continued(train, valid))

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._fit_als(train)
        super().fit_rows(train, valid)

    @override
    def refit_rows(self, train: Rows) -> None:
        self._fit_als(train)
        super().refit_rows(train)

    def _fit_als(self, train: Rows) -> None:
        als = ALS(seed=self.seed, factors=self.factors)
        als.scale, als.users, als.movies = self.scale, self.users, self.movies
        als.fit_rows(train, None)
        self.als_state = als.state
        users, movies = self.als_state.sides
        std = float(movies.weights[1:, 1:].std()) or 1.0
        level = [*self._als_level(), FACTOR_STD / std]
        self._unknown_user = np.concatenate([level, users.weights[0]])

    def _als_level(self) -> Centring:
        """Level and unit of the scores of `als`, in units of the scale, as the net's stars are."""
        level, unit = self.als_state.centring
        return Centring(level / self.scale.unit, unit / self.scale.unit)

    def _train_inputs(self, train: Rows) -> F64:
        """Inputs of each row of train, its movie as if the row's rating had not been given."""
        centred = self.als_state.centring.centred(train.stars)
        movies = leave_own_out(train.users, train.movies, centred, self.als_state.sides)
        inputs: F64 = movie_inputs(movies, self._unknown_user)
        return inputs

    def _continued(self, train: Rows, valid: Ratings) -> "UserSequences":
        """The rows of valid as targets, with all earlier rows as context."""
        from ratecast.models.attention.net_sequences import user_sequences

        vocabulary = Vocabulary(USER, self.users.table)
        users = vocabulary.encode(valid.frame[USER], "create")
        movies = self.movies.encode(valid.frame[MOVIE])
        inputs = movie_inputs(self.als_state.sides.movies.weights[movies], self._unknown_user)
        unit = np.float32(self.scale.unit)
        both = user_sequences(
            np.concatenate([train.users, users]),
            np.divide(np.concatenate([train.stars, valid.stars]), unit, dtype=np.float32),
            np.concatenate([_times(train.table), _times(valid)]),
            np.vstack([self._train_inputs(train), inputs]),
            self.max_history,
        )
        return both.targets_from(len(train))

    @override
    def extract_parameters(self, train: Rows) -> None:
        start = self.net.mean.item(), self.net.level.item(), self.net.slope.item()
        self._weights = NetWeights(*self.net.packed(), np.array([*start, self.max_history]))
        self._size, shape = 0, (0, self.layers, 2, self.factors)
        last, movies = np.full(len(self.users), NONE), np.empty(0, np.int32)
        self._memory = Memory(np.empty(shape, np.float32), movies, np.empty(0, np.int64), last)
        order = np.argsort(_times(train.table), kind="stable")
        users, stars = train.users[order], self._net_stars(train)[order]
        edges = _edges(_times(train.table)[order])
        inputs = self._train_inputs(train)[order]
        none = np.full(len(train), np.nan)
        pairs = read_only(users), read_only(train.movies[order])
        rows = (*pairs, stars, none, self._reserve(len(train)))
        predicted = update_memory(rows, edges, inputs, self._memory, self._weights)
        self.noise = float(np.sqrt(np.mean(np.square(stars - predicted))))

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        pairs, sides = (rows.users, rows.movies), self.als_state.sides
        return self._expected(
            *predict(pairs, sides, self._unknown_user, self._memory, self._weights)
        )

    @override
    def grow(self) -> None:
        self.als_state.grow(len(self.users), len(self.movies))
        self._memory = self._memory._replace(last=grown(self._memory.last, len(self.users)))

    @override
    def forget_row(self, row: int) -> None:
        self.als_state.forget_row(row)
        keys_values, movies, previous, last = self._memory
        places = places_of(row, last, previous)
        keys_values[places], movies[places], previous[places] = 0, 0, NONE
        last[row] = NONE

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        stars = self._net_stars(rows), rows.former_stars.astype(np.float64) / self.scale.unit
        given = rows.users, rows.movies, *stars, self._reserve(len(rows))
        als = self.als_state.sides, self._unknown_user
        return self._expected(*update(given, edges, als, self._memory, self._weights))

    def _reserve(self, rows: int) -> int:
        """Reserve memory for `rows` more ratings, doubled when it is short; the first index."""
        first, self._size = self._size, self._size + rows
        length = len(self._memory.previous)
        if self._size > length:
            more = max(self._size, 2 * length) - length
            self._memory = Memory(
                np.pad(self._memory.keys_values, ((0, more), (0, 0), (0, 0), (0, 0))),
                np.pad(self._memory.movies, (0, more)),
                np.pad(self._memory.previous, (0, more)),
                self._memory.last,
            )
        return first

    @override
    def movie_factors(self) -> Factors:
        return self.als_state.movie_factors()

    def _net_stars(self, rows: Rows) -> F64:
        """The given stars in units of the scale: (n,)."""
        return rows.stars.astype(np.float64) / self.scale.unit

    def _expected(self, stars: F64, deviation: F64) -> Expected:
        """From stars in units of the scale, and deviations in units of the noise."""
        unit = self.scale.unit
        return Expected(unit * stars, unit * self.noise * deviation)

    @override
    def arrays(self) -> Arrays:
        arrays: Arrays = {
            "noise": np.array([self.noise]),
            "unknown_user": self._unknown_user,
            "weights": self._weights.layers,
            "scalars": self._weights.scalars,
            "level": self._weights.start,
            "last": self._memory.last,
            "keys_values": self._memory.keys_values[: self._size],
            "movies": self._memory.movies[: self._size],
            "previous": self._memory.previous[: self._size],
        }
        return arrays | self.als_state.arrays() | super().arrays()

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        super().restore_arrays(arrays)
        self.noise, self._unknown_user = float(arrays["noise"][0]), arrays["unknown_user"]
        self._weights = NetWeights(arrays["weights"], arrays["scalars"], arrays["level"])
        previous = arrays["previous"]
        movies = arrays.get("movies", np.zeros(len(previous), np.int32))
        self._memory = Memory(arrays["keys_values"], movies, previous, arrays["last"])
        self._size = len(previous)
        mean, unit = (float(value) * self.scale.unit for value in self._unknown_user[:2])
        self.als_state = BilinearState.restored(arrays, Centring(mean, unit))


def _times(table: Requests) -> I64:
    """Time of each row; without times, the order of the table: (n,)."""
    return table.frame[AT].to_numpy() if table.timed else np.arange(len(table))


def _edges(times: I64) -> I64:
    return np.concatenate([[0], np.flatnonzero(np.diff(times)) + 1, [len(times)]])
