"""Boosted trees that correct a forecast by what its surprises had in common: plain arrays, no more.

Reference: Friedman 2002, "Stochastic gradient boosting"; Prokhorenkova et al. 2018, "CatBoost"
(symmetric trees: one question for a whole level).
Differs: what the first column foretells, linearly, is taken off before the first tree; the number
of trees, none at all included, is chosen on the last fifth of the rows.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from ratecast.arrays import F32, F64

TREES, DEPTH, RATE, PULL = 200, 5, 0.03, 100.0
BINS = 32
ROWS, COLUMNS = 0.6, 0.5
SLOPE_PULL = 20.0
LEAST = 1000
PIECE = 1 << 13


@dataclass(frozen=True)
class Trees:
    """slope: (1,), of the first column. cuts: (C, BINS - 1), ascending, between a column's bins.

    columns, edges: (T, DEPTH), what each level asks: is the bin of this column above this edge?
    leaves: (T, 2 ** DEPTH), in stars.
    """

    slope: F64
    cuts: F32
    columns: NDArray[np.int64]
    edges: NDArray[np.int64]
    leaves: F64

    @classmethod
    def none(cls, width: int) -> "Trees":
        """Correct nothing. width: C."""
        nothing = np.zeros((0, DEPTH), np.int64)
        cuts = np.zeros((width, BINS - 1), np.float32)
        return cls(np.zeros(1), cuts, nothing, nothing, np.zeros((0, 2**DEPTH)))

    @classmethod
    def learned(cls, columns: F32, surprise: F64, seed: int) -> "Trees":
        """From rows in order of time: columns (n, C), surprise (n,) in stars.

        What does not lower the error of the last fifth, learned from the others, is left out.
        """
        cut = len(surprise) * 4 // 5
        if len(surprise) < LEAST:
            return cls.none(columns.shape[1])
        trial = cls.grown(columns[:cut], surprise[:cut], TREES, seed)
        errors = (surprise[cut:] - trial.stages(columns[cut:])) ** 2
        best = int(errors.sum(axis=1).argmin())
        if errors[best].sum() >= surprise[cut:] @ surprise[cut:]:
            return cls.none(columns.shape[1])
        return cls.grown(columns, surprise, best, seed)

    @classmethod
    def grown(cls, columns: F32, surprise: F64, count: int, seed: int) -> "Trees":
        """So many trees, each on a random part of rows and columns."""
        random = np.random.default_rng(seed)
        first = columns[:, 0].astype(np.float64)
        slope = first @ surprise / (first @ first + SLOPE_PULL)
        left = surprise - slope * first
        cuts = np.quantile(columns, np.arange(1, BINS) / BINS, axis=0).T.astype(np.float32)
        bins = _bins(columns, cuts)
        trees = []
        for _ in range(count):
            rows = np.flatnonzero(random.random(len(left)) < ROWS)
            some = random.permutation(len(cuts))[: max(1, int(COLUMNS * len(cuts)))]
            trees.append(_tree(bins[:, rows], left[rows], some))
            left = left - _answers(bins, *trees[-1])
        none = cls.none(len(cuts))
        parts = list(zip(*trees, strict=True)) or [(), (), ()]
        shapes = none.columns.shape[1:], none.edges.shape[1:], none.leaves.shape[1:]
        asked, edges, leaves = (
            np.array(part).reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)
        )
        return cls(np.array([slope]), cuts, asked.astype(np.int64), edges.astype(np.int64), leaves)

    def stages(self, columns: F32) -> F64:
        """The correction by the slope, then with the first tree, with two, ...: (T + 1, n)."""
        bins = _bins(columns, self.cuts)
        trees = zip(self.columns, self.edges, self.leaves, strict=True)
        first = self.slope[0] * columns[:, 0].astype(np.float64)
        return np.cumsum([first, *(_answers(bins, *tree) for tree in trees)], axis=0)

    def correct(self, columns: F32) -> F64:
        """What to add to the forecasts of these rows, in stars: (n,)."""
        total: F64 = self.slope[0] * columns[:, 0].astype(np.float64)
        _add_all(total, _bins(columns, self.cuts), self.columns, self.edges, self.leaves)
        return total


@njit(cache=True)
def _bins(columns, cuts):  # type: ignore[no-untyped-def]
    """The bin of every value: (C, n) uint8; five comparisons each."""
    bins = np.empty(columns.shape[::-1], np.uint8)
    for c in range(len(bins)):
        for i in range(len(columns)):
            bins[c, i] = _below(cuts[c], columns[i, c])
    return bins


@njit(cache=True)
def _below(cuts, value):  # type: ignore[no-untyped-def]
    """How many of the BINS - 1 ascending cuts are less than `value`, without a branch."""
    count, step = 0, BINS // 2
    while step:
        count += step * (cuts[count + step - 1] < value)
        step //= 2
    return count


@njit(cache=True, parallel=True)
def _tree(bins, left, some):  # type: ignore[no-untyped-def]
    """One tree on `some` columns, tried side by side: its columns, edges and leaves."""
    columns, edges = np.zeros(DEPTH, np.int64), np.zeros(DEPTH, np.int64)
    leaf = np.zeros(len(left), np.int64)
    gains = np.empty((len(some), BINS - 1))
    for level in range(DEPTH):
        for k in prange(len(some)):
            gains[k] = _gains(bins[some[k]], left, leaf, 1 << level)
        best = gains.argmax()
        columns[level], edges[level] = some[best // (BINS - 1)], best % (BINS - 1)
        asked = bins[columns[level]]
        for i in range(len(leaf)):
            leaf[i] = 2 * leaf[i] + (asked[i] > edges[level])
    sums, counts = np.zeros(1 << DEPTH), np.zeros(1 << DEPTH)
    for i in range(len(leaf)):
        sums[leaf[i]] += left[i]
        counts[leaf[i]] += 1
    return columns, edges, RATE * sums / (counts + PULL)


@njit(cache=True)
def _gains(bins, left, leaf, leaves):  # type: ignore[no-untyped-def]
    """How much of the squared error each edge of one column would take away: (BINS - 1,)."""
    sums, counts = np.zeros((leaves, BINS)), np.zeros((leaves, BINS))
    for i in range(len(left)):
        sums[leaf[i], bins[i]] += left[i]
        counts[leaf[i], bins[i]] += 1.0
    gains = np.zeros(BINS - 1)
    for k in range(leaves):
        total, many, low, few = sums[k].sum(), counts[k].sum(), 0.0, 0.0
        for b in range(BINS - 1):
            low += sums[k, b]
            few += counts[k, b]
            gains[b] += low**2 / (few + PULL) + (total - low) ** 2 / (many - few + PULL)
    return gains


@njit(cache=True)
def _answers(bins, columns, edges, leaves):  # type: ignore[no-untyped-def]
    """What one tree says of every row: (n,)."""
    answers = np.empty(bins.shape[1])
    for i in range(len(answers)):
        leaf = 0
        for level in range(len(columns)):
            leaf = 2 * leaf + (bins[columns[level], i] > edges[level])
        answers[i] = leaves[leaf]
    return answers


@njit(cache=True)
def _add_all(total, bins, columns, edges, leaves):  # type: ignore[no-untyped-def]
    """Add what every tree says of every row to `total`: level by level, bytes side by side.

    DEPTH operations a tree and row, rows in pieces that stay in cache.
    """
    for piece in range((len(total) + PIECE - 1) // PIECE):
        part = total[piece * PIECE : (piece + 1) * PIECE]
        leaf = np.empty(len(part), np.uint8)
        for tree in range(len(leaves)):
            leaf[:] = 0
            for level in range(columns.shape[1]):
                row = bins[columns[tree, level], piece * PIECE : (piece + 1) * PIECE]
                edge = np.uint8(edges[tree, level])
                for i in range(len(leaf)):
                    leaf[i] = np.uint8(leaf[i] << 1) | np.uint8(row[i] > edge)
            for i in range(len(leaf)):
                part[i] += leaves[tree, leaf[i]]
