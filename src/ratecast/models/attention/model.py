"""Attention over what the user said: similar movies, recent ratings, in context, without a refit.

Reference: Zhou et al. 2018, "Deep interest network for click-through rate prediction" (the movie
asked about looks back at the history); Kang, McAuley 2018, "Self-attentive sequential
recommendation" (only earlier moments are seen); Garnelo et al. 2018, "Conditional neural
processes" (trained to forecast from a context of any length, so that a new user needs no weights).
Differs: the movies' vectors are those of `als`, and in training each row sees its movie as `als`
would know it without that row (0.916 -> 0.912 as-of on validation, without hearing for movies); a
history carries the errors of the layer below, not the stars; the softmax has a place that says
nothing, which shrinks short histories.
RMSE on the chronological split of MovieLens 100K: see docs/results.md.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import F64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Expected, Rows, grown
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.factors.bilinear import Side, grown_side, without_own
from ratecast.modelling.history.linked_history import NONE
from ratecast.modelling.nets.net_model import NetModel, TrainerSettings, TrainingTask
from ratecast.models.als.model import ALS
from ratecast.models.attention.inference import ask, hear, sights, take_in
from ratecast.ratings import AT, MOVIE, USER, Ratings, Requests

if TYPE_CHECKING:
    from ratecast.models.attention.net import AttentionNet
    from ratecast.models.attention.net_sequences import Histories

SIGHT = 0.5
Memory = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]
STATE = ("noise", "stranger", "weights", "scalars", "level", "last")


@dataclass(kw_only=True, eq=False)
class Attention(NetModel):
    """Forecast = what a stranger would give + what each layer sees in the user's history.

    factors: of the movies, and the width of a layer. layers: each looks at the errors of the one
    below. length: how many of a user's latest ratings are looked back at. pull: ratio of the
    noise's variance to that of the weights' prior.
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
    _size: int = field(default=0, init=False, repr=False)

    def make_net(self, users: int, movies: int, mean: float) -> "AttentionNet":
        """The net, which starts as a damped bias around `mean`."""
        from ratecast.models.attention.net import AttentionNet

        net = AttentionNet(self.factors, self.layers, self.max_history, self.l2)
        net.mean.fill_(mean)
        return net

    def training_task(self, train: Rows, valid: Ratings | None) -> TrainingTask:
        """Whole histories to learn from; those of `valid` go on where train ended."""
        from ratecast.models.attention.net_sequences import histories

        at, seen = _times(train.table), self._seen_in_train(train)
        asked = histories(train.users, train.stars, at, seen, self.max_history)
        lesson = TrainingTask(asked, None, self.trainer, self.seed, self.scale.low, self.scale.high)
        if valid is None:
            return lesson
        return replace(lesson, valid=self._continued(train, valid))

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._know_movies(train)
        super().fit_rows(train, valid)

    @override
    def refit_rows(self, train: Rows) -> None:
        self._know_movies(train)
        super().refit_rows(train)

    def _know_movies(self, train: Rows) -> None:
        assert isinstance(train.table, Ratings)
        als = ALS(seed=self.seed, factors=self.factors).fit(train.table)
        self._of_users, self._of_movies = als._sides()
        spread = float(self._of_movies[0][1:, 1:].std()) or 1.0
        level = [als._mean, als._unit, SIGHT / spread]
        self._stranger = np.concatenate([level, self._of_users[0][0]])

    def _seen_in_train(self, train: Rows) -> F64:
        """What each row of train sees of its movie, as if its own rating had not been given."""
        told = train.users, train.movies, self._above(train)
        found: F64 = sights(without_own(told, self._sides()), self._stranger)
        return found

    def _continued(self, train: Rows, valid: Ratings) -> "Histories":
        """The rows of valid, asked about with all rows before them in sight."""
        from ratecast.models.attention.net_sequences import histories

        met = Vocabulary(USER, self.users.table)
        users = met.encode(valid.frame[USER], "create")
        movies = self.movies.encode(valid.frame[MOVIE])
        seen = sights(self._of_movies[0][movies], self._stranger)
        both = histories(
            np.concatenate([train.users, users]),
            np.concatenate([train.stars, valid.stars]),
            np.concatenate([_times(train.table), _times(valid)]),
            np.vstack([self._seen_in_train(train), seen]),
            self.max_history,
        )
        return both.asked_from(len(train))

    @override
    def extract_parameters(self, train: Rows) -> None:
        self._weights, self._scalars = self.net.packed()
        numbers = self.net.mean, self.net.level, self.net.slope
        self._level = np.array([*(x.item() for x in numbers), self.max_history])
        self._size, self._kept = 0, np.empty((0, self.layers, 2, self.factors), np.float32)
        self._before, self._last = np.empty(0, np.int64), np.full(len(self.users), NONE)
        order = np.argsort(_times(train.table), kind="stable")
        users, stars = train.users[order], train.stars[order].astype(np.float64)
        edges = _edges(_times(train.table)[order])
        rows = users, stars, self._room(len(train))
        said = take_in(rows, edges, self._seen_in_train(train)[order], self._memory(), self._net())
        self._noise = np.sqrt(np.mean(np.square(stars - said), keepdims=True))

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        asked = rows.users, rows.movies
        found = ask(asked, self._sides(), self._stranger, self._memory(), self._net())
        return self._in_stars(*found)

    @override
    def grow(self) -> None:
        self._of_users = grown_side(self._of_users, len(self.users))
        self._of_movies = grown_side(self._of_movies, len(self.movies))
        self._last = grown(self._last, len(self.users))

    @override
    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        told = rows.users, rows.movies, rows.stars.astype(np.float64), self._room(len(rows))
        als = self._sides(), self._stranger
        return self._in_stars(*hear(told, edges, als, self._memory(), self._net()))

    def _room(self, rows: int) -> int:
        """Make room for `rows` more ratings, doubled when it is short; the first place."""
        first, self._size = self._size, self._size + rows
        if self._size > len(self._before):
            more = max(self._size, 2 * len(self._before)) - len(self._before)
            self._before = np.pad(self._before, (0, more))
            self._kept = np.pad(self._kept, ((0, more), (0, 0), (0, 0), (0, 0)))
        return first

    def _memory(self) -> Memory:
        return self._kept, self._before, self._last

    def _net(self) -> tuple[F64, F64, F64]:
        return self._weights, self._scalars, self._level

    @override
    def movie_factors(self) -> Factors:
        return Factors.of(self._of_users[0], self._of_movies[0], float(self._stranger[1]))

    def _sides(self) -> tuple[Side, Side]:
        return self._of_users, self._of_movies

    def _above(self, rows: Rows) -> F64:
        mean, unit = self._stranger[:2]
        above: F64 = (rows.stars.astype(np.float64) - mean) / unit
        return above

    def _in_stars(self, stars: F64, deviation: F64) -> Expected:
        return Expected(stars, self._noise * deviation)

    @override
    def arrays(self) -> Arrays:
        arrays: Arrays = {name: getattr(self, f"_{name}") for name in STATE}
        arrays |= {"kept": self._kept[: self._size], "before": self._before[: self._size]}
        arrays["users.weights"], arrays["users.cover"] = self._of_users
        arrays["movies.weights"], arrays["movies.cover"] = self._of_movies
        return arrays | super().arrays()

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        super().restore_arrays(arrays)
        for name in (*STATE, "kept", "before"):
            setattr(self, f"_{name}", arrays[name])
        self._size = len(self._before)
        self._of_users = arrays["users.weights"], arrays["users.cover"]
        self._of_movies = arrays["movies.weights"], arrays["movies.cover"]


def _times(table: Requests) -> NDArray[np.int64]:
    """The moment of each row; without times, the order of the table: (n,)."""
    return table.frame[AT].to_numpy() if table.timed else np.arange(len(table))


def _edges(at: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.flatnonzero(np.diff(at)) + 1, [len(at)]])
