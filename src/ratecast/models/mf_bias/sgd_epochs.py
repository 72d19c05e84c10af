"""SGD for biases and factors of a large table: epochs, and the choice of the best one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple, Self

import numpy as np

from ratecast.arrays import F32, I64
from ratecast.modelling.contract.settings import FROM_ZERO_OR_AUTO, check
from ratecast.modelling.factors.pair_scores import Side32, score_pairs
from ratecast.modelling.kernels.csr import Grouped, Triples
from ratecast.models.mf_bias.stratified_sgd import (
    StepSizes,
    Strata,
    copied,
    initial_side,
    move_to_centre,
    run_epoch,
    side_centre,
)

Sides32 = tuple[Side32, Side32]
LearningRate = float | Literal["auto"]
# Of grown tables of a million ratings and of 25, validation chose these (docs/log.md).
_DISTANCE, _HIGHEST_RATE = 0.5, 0.06


@dataclass(frozen=True, kw_only=True)
class DescentSettings:
    """Settings of the SGD kernel.

    epochs: passes over train, at most.
    learning_rate: of the first epoch; it falls to 0 along half a cosine. `auto`: 0.5 / epochs, so
    that a rating moves its vectors as far in few epochs as in many, and 0.06 at most.
    l2: penalty of both vectors of each rating, in squared stars, beside the priors of the model,
    which apply once an epoch. Where popular movies have many times the ratings of others, a
    penalty that grows with them predicts better.
    patience: epochs without a better validation RMSE before training stops.

    Reference: Srebro, Salakhutdinov 2010, "Collaborative filtering in a non-uniform world".
    """

    epochs: int = 10
    learning_rate: LearningRate = "auto"
    l2: float = 0.03
    patience: int = 3

    def __post_init__(self) -> None:
        check(self, "descent", {"learning_rate": FROM_ZERO_OR_AUTO})

    def learning_rate_after(self, epochs: int) -> float:
        """learning_rate (1 + cos(π epochs / all epochs)) / 2."""
        automatic = min(_DISTANCE / self.epochs, _HIGHEST_RATE)
        first = automatic if isinstance(self.learning_rate, str) else self.learning_rate
        return first * 0.5 * (1 + float(np.cos(np.pi * epochs / self.epochs)))


class SideL2(NamedTuple):
    """Penalties of the priors of one side: of the bias and of each factor."""

    bias: float
    factor: float


class DescentStart(NamedTuple):
    """Where a descent begins, and its priors: see `DescentTask`."""

    l2: tuple[SideL2, SideL2]
    factors: int
    init_std: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class DescentTask:
    """What the kernel fits.

    strata: centred stars of train. counts: ratings of each user and of each movie there, row 0 the
    unknown's. valid: centred stars by user. l2: penalties of users and of movies. factors: length
    of a vector. init_std: standard deviation of the initial vectors. seed: of those and of the
    order of the strata. on_epoch: called with the number of epochs so far and the RMSE on `valid`,
    in the units of `valid`.
    """

    strata: Strata
    counts: tuple[I64, I64]
    valid: Grouped | None
    l2: tuple[SideL2, SideL2]
    factors: int
    init_std: float
    seed: int
    on_epoch: Callable[[int, float], None] | None = None

    @property
    def start(self) -> DescentStart:
        """Without the ratings."""
        return DescentStart(self.l2, self.factors, self.init_std, self.seed)


class Move(NamedTuple):
    """What `move_to_centre` is given for a side."""

    centre: tuple[np.float32, F32]
    shares: tuple[float, float]


Moves = tuple[Move, Move]
RunEpoch = Callable[[Sides32, StepSizes, np.random.Generator], None]


@dataclass
class Descent:
    """A descent between two epochs: the sides, and what the next epoch needs beside the ratings.

    sides: users and movies, row 0 of each the unknown's. weights: of the rows in the centre of
    either side, (users,) and (movies,). past: epochs so far. random: draws the order of the strata.
    """

    sides: Sides32
    weights: tuple[F32, F32]
    l2: tuple[SideL2, SideL2]
    settings: DescentSettings
    random: np.random.Generator
    past: int = 0

    @classmethod
    def initial(
        cls, counts: tuple[I64, I64], task: "DescentStart", settings: DescentSettings
    ) -> Self:
        """Before the first epoch. counts: ratings of each user and of each movie."""
        random = np.random.default_rng(task.seed)
        users, movies = (
            initial_side(len(rated), task.factors, task.init_std, random) for rated in counts
        )
        # The centre of the users is that of the rows, the centre of the movies that of the movies.
        weights = counts[0].astype(np.float32), (counts[1] > 0).astype(np.float32)
        return cls((users, movies), weights, task.l2, settings, random)

    def epoch(self, run: RunEpoch) -> Moves:
        """One epoch. run: takes a step for every rating; then the priors apply, by these moves."""
        rate = self.settings.learning_rate_after(self.past)
        run(self.sides, self.step_sizes, self.random)
        users, movies = (
            Move(side_centre(side, weight), (rate * l2.bias, rate * l2.factor))
            for side, weight, l2 in zip(self.sides, self.weights, self.l2, strict=True)
        )
        for side, move in zip(self.sides, (users, movies), strict=True):
            move_to_centre(side, *move)
        self.past += 1
        return users, movies

    @property
    def step_sizes(self) -> StepSizes:
        """Of the next epoch."""
        rate = self.settings.learning_rate_after(self.past)
        return StepSizes(np.float32(rate), np.float32(self.settings.l2))

    def set_unknown(self, sides: Sides32) -> None:
        """The unknown user is the mean over rows, the unknown movie the mean over movies."""
        for side, weight in zip(sides, self.weights, strict=True):
            side.biases[0], side.vectors[0] = side_centre(side, weight)


@dataclass
class _BestEpoch:
    """The epoch of least validation RMSE so far."""

    rmse: float = np.inf
    epochs: int = 0
    sides: Sides32 | None = field(default=None, repr=False)

    def consider(self, sides: Sides32, rmse: float, epochs: int) -> None:
        """Keep a copy of the sides if their RMSE, after so many epochs, is the least."""
        if rmse < self.rmse:
            self.rmse, self.epochs = rmse, epochs
            self.sides = copied(sides[0]), copied(sides[1])


def descend(
    task: DescentTask, settings: DescentSettings, epochs: int | None = None
) -> tuple[Sides32, int]:
    """Both sides, row 0 of each the unknown's, and after how many epochs they were taken.

    With `valid`, the epoch of least RMSE there; without, the last one, or the `epochs`-th.
    """
    descent = Descent.initial(task.counts, task.start, settings)
    valid, best = None if task.valid is None else task.valid.triples, _BestEpoch()
    while descent.past < (epochs or settings.epochs):
        descent.epoch(partial(run_epoch, task.strata))
        if valid is not None:
            reached = rmse(descent.sides, valid)
            best.consider(descent.sides, reached, descent.past)
            if task.on_epoch is not None:
                task.on_epoch(descent.past, reached)
            if descent.past - best.epochs >= settings.patience:
                break
    chosen = best.sides or descent.sides
    descent.set_unknown(chosen)
    return chosen, best.epochs or epochs or settings.epochs


def rmse(sides: Sides32, triples: Triples) -> float:
    """Over all rows, not clipped, in the units of `triples`."""
    users, movies, centred = triples
    scores = np.empty(len(users), np.float32)
    score_pairs((users, movies), *sides, np.float32(0), scores)
    scores -= centred
    return float(np.sqrt(np.mean(np.square(scores, dtype=np.float64))))
