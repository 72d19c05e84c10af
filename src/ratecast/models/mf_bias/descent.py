"""Biases and factors of a large table on a CPU: epochs of descent, and which of them is kept."""

from dataclasses import dataclass, field

import numpy as np

from ratecast.arrays import F32
from ratecast.modelling.contract.settings import check
from ratecast.modelling.kernels.csr import Heap, Triples
from ratecast.models.mf_bias.dot_products import score
from ratecast.models.mf_bias.stratified_sgd import Strata, Weights, epoch

Sides = tuple[Weights, Weights]


@dataclass(frozen=True, kw_only=True)
class DescentSettings:
    """How the kernel descends: epochs, rate (it falls to 0 along a half cosine) and l2.

    l2: pull of a vector to 0 at each of its ratings, in squared stars, beside the priors of the
    model, which pull once an epoch. Where popular movies have many times the ratings of others, a
    penalty that grows with them forecasts better.
    Reference: Srebro, Salakhutdinov 2010, "Collaborative filtering in a non-uniform world".
    """

    epochs: int = 20
    learning_rate: float = 0.02
    l2: float = 0.03
    patience: int = 3

    def __post_init__(self) -> None:
        check(self, "descent", {})

    def rate(self, past: int) -> float:
        """Of the epoch after `past` others."""
        return self.learning_rate * 0.5 * (1 + float(np.cos(np.pi * past / self.epochs)))


@dataclass(frozen=True)
class Task:
    """What is learned from: ratings, lines of either side, and the priors' pulls.

    train, valid: ratings by user. movies: how many lines of movies there are, the unknown's
    included. pulls: of users and of movies, each of the bias and of the vector.
    """

    train: Heap
    valid: Heap | None
    movies: int
    pulls: tuple[tuple[float, float], tuple[float, float]]
    width: int
    spread: float
    seed: int


@dataclass
class _Best:
    """The epoch of least validation RMSE so far."""

    rmse: float = np.inf
    epochs: int = 0
    sides: Sides | None = field(default=None, repr=False)

    def hear(self, sides: Sides, found: float, epochs: int) -> None:
        """Keep the sides if their RMSE, `found` after so many epochs, is the least."""
        if found < self.rmse:
            self.rmse, self.epochs = found, epochs
            self.sides = sides[0].copy(), sides[1].copy()


def factorize(
    task: Task, settings: DescentSettings, epochs: int | None = None
) -> tuple[Sides, int]:
    """Both sides, row 0 of each the unknown's, and how many epochs they stand for.

    With `valid`, the epoch of least RMSE there is kept; without, the last one, or the `epochs`-th.
    """
    random = np.random.default_rng(task.seed)
    seen = np.bincount(task.train.others, minlength=task.movies)
    strata = Strata.of(task.train, seen)
    weights = task.train.counts.astype(np.float32), (seen > 0).astype(np.float32)
    sides = (
        Weights.drawn(len(weights[0]), task.width, task.spread, random),
        Weights.drawn(task.movies, task.width, task.spread, random),
    )
    valid, best = None if task.valid is None else task.valid.triples, _Best()
    for past in range(epochs or settings.epochs):
        rate = settings.rate(past)
        epoch(strata, sides, (rate, settings.l2), random)
        for side, weight, pulls in zip(sides, weights, task.pulls, strict=True):
            side.pulled(side.centre(weight), (rate * pulls[0], rate * pulls[1]))
        if valid is not None:
            best.hear(sides, rmse(sides, valid), past + 1)
            if past + 1 - best.epochs >= settings.patience:
                break
    kept = best.sides or sides
    _set_unknown(kept, weights)
    return kept, best.epochs or epochs or settings.epochs


def rmse(sides: Sides, triples: Triples) -> float:
    """Over all rows, not clipped, in the units of `triples`."""
    users, movies, above = triples
    said = score(users, movies, sides[0].vectors, sides[1].vectors)
    said += sides[0].biases[users]
    said += sides[1].biases[movies]
    said -= above
    return float(np.sqrt(np.mean(np.square(said, dtype=np.float64))))


def _set_unknown(sides: Sides, weights: tuple[F32, F32]) -> None:
    """The unknown user is like the mean row, the unknown movie like the mean movie."""
    for side, weight in zip(sides, weights, strict=True):
        side.biases[0], side.vectors[0] = side.centre(weight)
