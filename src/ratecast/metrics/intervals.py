"""Confidence intervals and paired tests by a bootstrap over users.

Users are resampled, not rows, because the ratings of one user are not independent.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64, I64
from ratecast.compiled import njit
from ratecast.metrics.dense_numbers import dense_numbers
from ratecast.modelling.kernels.loops import even_cuts, on_all_threads

# More than the usual 1,000: Holm's correction over the pairs of 13 models needs p-values below
# 0.05 / 78, which a share of 1,000 draws cannot resolve.
DRAWS = 10_000
LEVEL = 0.95
_BLOCK = 2_000_000


@dataclass(frozen=True)
class Bootstrap:
    """A figure of M models on the same users, and in D samples of these users.

    estimates: (M,), RMSE in stars or means over users. draws: (D, M); a draw is the same users for
    every model, so that differences are paired.
    Reference: Efron, Tibshirani 1993, "An introduction to the bootstrap", ch. 13 (percentile
    intervals) and 15-16 (tests); the user as the unit as in Cameron, Gelbach, Miller 2008,
    "Bootstrap-based improvements for inference with clustered errors" (pairs cluster bootstrap).
    """

    estimates: F64
    draws: F64

    @classmethod
    def of(cls, errors: F64, users: NDArray[Any], draws: int = DRAWS, seed: int = 0) -> "Bootstrap":
        """RMSE over all rows: `errors` are (n, M) in stars, `users` their ids, (n,)."""
        user, count = dense_numbers(users)
        columns = [np.ones(len(errors)), *(errors * errors).T]
        sums: F64 = np.column_stack([np.bincount(user, column, count) for column in columns])
        squares = cls._of_sums(sums, draws, seed)
        return cls(np.sqrt(squares.estimates), np.sqrt(squares.draws))

    @classmethod
    def of_means(cls, values: F64, draws: int = DRAWS, seed: int = 0) -> "Bootstrap":
        """Means over users: `values` are (users, M), of the users that count, without NaN.

        >>> Bootstrap.of_means(np.array([[0.0], [1.0]]), draws=100).intervals().tolist()
        [[0.0, 1.0]]
        """
        return cls._of_sums(np.column_stack([np.ones(len(values)), values]), draws, seed)

    @classmethod
    def _of_sums(cls, sums: F64, draws: int, seed: int) -> "Bootstrap":
        """Quotients of sums over users; sums: (users, 1 + M), the denominator first."""
        random = np.random.default_rng(seed)
        block = max(1, _BLOCK // len(sums))
        parts = [
            _quotients(
                random.integers(len(sums), size=(min(block, draws - start), len(sums))), sums
            )
            for start in range(0, draws, block)
        ]
        every = _quotients(np.arange(len(sums))[None], sums)[0]
        return cls(every, np.concatenate(parts))

    def take(self, models: slice) -> "Bootstrap":
        """Only these models."""
        return Bootstrap(self.estimates[models], self.draws[:, models])

    def intervals(self) -> F64:
        """The 95 % interval of every model's figure: (M, 2), low and high."""
        return _middle(self.draws).T

    def compare(self) -> list["Difference"]:
        """Every pair of models, `first` the earlier column, with p-values adjusted by Holm."""
        pairs = list(combinations(range(len(self.estimates)), 2))
        differences = [_difference(self, first, second) for first, second in pairs]
        adjusted = holm(np.array([each.p for each in differences]))
        return [
            Difference(e.first, e.second, e.estimate, e.low, e.high, e.p, float(p))
            for e, p in zip(differences, adjusted, strict=True)
        ]


@dataclass(frozen=True)
class Difference:
    """The figure of model `first` minus that of `second`; of RMSE, below 0 if `first` is better.

    low, high: 95 % interval. p: two-sided, for "no difference". adjusted: p after Holm.
    """

    first: int
    second: int
    estimate: float
    low: float
    high: float
    p: float
    adjusted: float

    @property
    def significant(self) -> bool:
        """Whether p after Holm's correction over all pairs is below 0.05."""
        return self.adjusted < 1 - LEVEL


def holm(p: F64) -> F64:
    """p-values of several tests, (m,), corrected to control the family-wise error rate.

    Reference: Holm 1979, "A simple sequentially rejective multiple test procedure".

    >>> holm(np.array([0.01, 0.04, 0.03])).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def _quotients(drawn: I64, sums: F64) -> F64:
    """Of the lines of `sums`, (users, 1 + M), that each line of `drawn`, (draws, n), names."""
    totals = np.zeros((len(drawn), sums.shape[1]))
    on_all_threads(_add_lines, even_cuts(len(drawn)), drawn, sums, totals)
    quotients: F64 = totals[:, 1:] / totals[:, :1]
    return quotients


@njit(cache=True, nogil=True)
def _add_lines(run, drawn, sums, totals):  # type: ignore[no-untyped-def]
    """Add to each line of `totals` the lines of `sums` that the same line of `drawn` names.

    One line after another, without fastmath: the bits are the same on every processor, whereas a
    matrix product adds in the order of its library, its size and the processor.
    """
    for draw in range(run[0], run[1]):
        total = totals[draw]
        for user in drawn[draw]:
            for k in range(len(total)):
                total[k] += sums[user, k]


def _middle(draws: F64) -> F64:
    tail = (1 - LEVEL) / 2
    return np.quantile(draws, [tail, 1 - tail], axis=0)


def _difference(sample: Bootstrap, first: int, second: int) -> Difference:
    """The pair's difference; p is the level at which the percentile interval touches 0."""
    draws = sample.draws[:, first] - sample.draws[:, second]
    low, high = (float(value) for value in _middle(draws))
    fewer = min((draws <= 0).sum(), (draws >= 0).sum())
    p = min(1.0, 2 * (int(fewer) + 1) / (len(draws) + 1))
    return Difference(
        first, second, float(sample.estimates[first] - sample.estimates[second]), low, high, p, p
    )
