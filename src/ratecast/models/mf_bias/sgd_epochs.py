"""SGD for biases and factors of a large table: epochs, and the choice of the best one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F32
from ratecast.modelling.contract.settings import check
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


@dataclass(frozen=True, kw_only=True)
class DescentSettings:
    """Settings of the SGD kernel.

    epochs: passes over train, at most.
    learning_rate: of the first epoch; it falls to 0 along half a cosine.
    l2: penalty of both vectors of each rating, in squared stars, beside the priors of the model,
    which apply once an epoch. Where popular movies have many times the ratings of others, a
    penalty that grows with them predicts better.
    patience: epochs without a better validation RMSE before training stops.

    Reference: Srebro, Salakhutdinov 2010, "Collaborative filtering in a non-uniform world".
    """

    epochs: int = 20
    learning_rate: float = 0.02
    l2: float = 0.03
    patience: int = 3

    def __post_init__(self) -> None:
        check(self, "descent", {})

    def learning_rate_after(self, epochs: int) -> float:
        """learning_rate (1 + cos(π epochs / all epochs)) / 2."""
        return self.learning_rate * 0.5 * (1 + float(np.cos(np.pi * epochs / self.epochs)))


class SideL2(NamedTuple):
    """Penalties of the priors of one side: of the bias and of each factor."""

    bias: float
    factor: float


@dataclass(frozen=True, kw_only=True)
class DescentTask:
    """What the kernel fits.

    train, valid: centred stars by user. movies: row numbers of movies, the unknown's included.
    l2: penalties of users and of movies. factors: length of a vector. init_std: standard deviation
    of the initial vectors. seed: of those and of the order of the strata. on_epoch: called with the
    number of epochs so far and the RMSE on `valid`, in the units of `valid`.
    """

    train: Grouped
    valid: Grouped | None
    movies: int
    l2: tuple[SideL2, SideL2]
    factors: int
    init_std: float
    seed: int
    on_epoch: Callable[[int, float], None] | None = None


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
    random = np.random.default_rng(task.seed)
    movie_counts = np.bincount(task.train.columns, minlength=task.movies)
    strata = Strata.of(task.train, movie_counts)
    # The centre of the users is that of the rows, the centre of the movies that of the movies.
    weights = task.train.counts.astype(np.float32), (movie_counts > 0).astype(np.float32)
    sides = (
        initial_side(len(weights[0]), task.factors, task.init_std, random),
        initial_side(task.movies, task.factors, task.init_std, random),
    )
    valid, best = None if task.valid is None else task.valid.triples, _BestEpoch()
    for past in range(epochs or settings.epochs):
        rate = settings.learning_rate_after(past)
        run_epoch(strata, sides, StepSizes(np.float32(rate), np.float32(settings.l2)), random)
        for side, weight, l2 in zip(sides, weights, task.l2, strict=True):
            move_to_centre(side, side_centre(side, weight), (rate * l2.bias, rate * l2.factor))
        if valid is not None:
            reached = rmse(sides, valid)
            best.consider(sides, reached, past + 1)
            if task.on_epoch is not None:
                task.on_epoch(past + 1, reached)
            if past + 1 - best.epochs >= settings.patience:
                break
    chosen = best.sides or sides
    _set_unknown(chosen, weights)
    return chosen, best.epochs or epochs or settings.epochs


def rmse(sides: Sides32, triples: Triples) -> float:
    """Over all rows, not clipped, in the units of `triples`."""
    users, movies, centred = triples
    scores = np.empty(len(users), np.float32)
    score_pairs((users, movies), *sides, np.float32(0), scores)
    scores -= centred
    return float(np.sqrt(np.mean(np.square(scores, dtype=np.float64))))


def _set_unknown(sides: Sides32, weights: tuple[F32, F32]) -> None:
    """The unknown user is the mean over rows, the unknown movie the mean over movies."""
    for side, weight in zip(sides, weights, strict=True):
        side.biases[0], side.vectors[0] = side_centre(side, weight)
