"""Gradient-boosted symmetric regression trees on the filter's residuals, as plain arrays.

Reference: Friedman 2002, "Stochastic gradient boosting"; Prokhorenkova et al. 2018, "CatBoost"
(symmetric trees: one split for a whole level).
Differs: the linear effect of the first feature is removed before the first tree; the number of
trees, zero included, is chosen on the last fifth of the rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F32, F64, I64
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import on_all_threads

Bins = NDArray[np.uint8]

MAX_TREES, DEPTH, LEARNING_RATE, L2_LEAVES = 200, 5, 0.03, 100.0
BINS = 32
# Random part of the rows and of the features of each tree.
ROW_SHARE, FEATURE_SHARE = 0.6, 0.5
L2_SLOPE = 20.0
MIN_ROWS = 1000
BLOCK_ROWS = 1 << 13


@dataclass(frozen=True)
class BoostedTrees:
    """f(x) = slope x_0 + Σ_t leaf_values[t, leaf of x in tree t], in stars.

    slope: (1,). bin_edges: (C, BINS - 1), ascending, between the bins of a feature.
    split_features, split_bins: (T, DEPTH), the test of each level: is the bin of this feature
    greater than this one? leaf_values: (T, 2 ** DEPTH).
    """

    slope: F64
    bin_edges: F32
    split_features: I64
    split_bins: I64
    leaf_values: F64

    @classmethod
    def empty(cls, width: int) -> "BoostedTrees":
        """No tree: predicts 0. width: C."""
        splits = np.zeros((0, DEPTH), np.int64)
        edges = np.zeros((width, BINS - 1), np.float32)
        return cls(np.zeros(1), edges, splits, splits, np.zeros((0, 2**DEPTH)))

    @classmethod
    def fit(cls, features: F32, residuals: F64, seed: int) -> "BoostedTrees":
        """Fit trees to rows in time order. features: (n, C). residuals: (n,), stars.

        Trees fitted to the first four fifths must lower the error of the last fifth; as many are
        then fitted to all rows, else none.
        """
        cut = len(residuals) * 4 // 5
        if len(residuals) < MIN_ROWS:
            return cls.empty(features.shape[1])
        trial = cls.grow(features[:cut], residuals[:cut], MAX_TREES, seed)
        errors = (residuals[cut:] - trial.staged_predict(features[cut:])) ** 2
        best = int(errors.sum(axis=1).argmin())
        if errors[best].sum() >= residuals[cut:] @ residuals[cut:]:
            return cls.empty(features.shape[1])
        return cls.grow(features, residuals, best, seed)

    @classmethod
    def grow(cls, features: F32, residuals: F64, count: int, seed: int) -> "BoostedTrees":
        """Fit `count` trees, each on a random part of the rows and features."""
        random = np.random.default_rng(seed)
        first = features[:, 0].astype(np.float64)
        # Ridge regression on the first feature: slope = x·r / (x·x + L2).
        slope = first @ residuals / (first @ first + L2_SLOPE)
        residuals = residuals - slope * first
        quantiles = np.arange(1, BINS) / BINS
        bin_edges = np.quantile(features, quantiles, axis=0).T.astype(np.float32)
        bins = _bins(features, bin_edges)
        trees = []
        for _ in range(count):
            rows = np.flatnonzero(random.random(len(residuals)) < ROW_SHARE)
            count_tried = max(1, int(FEATURE_SHARE * len(bin_edges)))
            tried = random.permutation(len(bin_edges))[:count_tried]
            own = _taken(bins, tried, rows)
            trees.append(_fit_tree(own, residuals[rows], tried))
            residuals -= _predict_tree(bins, *trees[-1])
        empty = cls.empty(len(bin_edges))
        parts = list(zip(*trees, strict=True)) or [(), (), ()]
        like = empty.split_features, empty.split_bins, empty.leaf_values
        split_features, split_bins, leaf_values = (
            np.array(part).reshape(-1, *array.shape[1:])
            for part, array in zip(parts, like, strict=True)
        )
        splits = split_features.astype(np.int64), split_bins.astype(np.int64)
        return cls(np.array([slope]), bin_edges, *splits, leaf_values)

    def staged_predict(self, features: F32) -> F64:
        """Prediction without a tree, with the first, with the first two, ...: (T + 1, n)."""
        bins = _bins(features, self.bin_edges)
        trees = zip(self.split_features, self.split_bins, self.leaf_values, strict=True)
        first = self.slope[0] * features[:, 0].astype(np.float64)
        return np.cumsum([first, *(_predict_tree(bins, *tree) for tree in trees)], axis=0)

    def predict(self, features: F32) -> F64:
        """Expected residual of each row, in stars: (n,). features: (n, C)."""
        total: F64 = self.slope[0] * features[:, 0].astype(np.float64)
        bins = _bins(features, self.bin_edges)
        _add_trees(total, bins, self.split_features, self.split_bins, self.leaf_values)
        return total


@njit(cache=True)
def _bins(features, bin_edges):  # type: ignore[no-untyped-def]
    """The bin of every value: (C, n) uint8; five comparisons each."""
    bins = np.empty(features.shape[::-1], np.uint8)
    for c in range(len(bins)):
        for i in range(len(features)):
            bins[c, i] = _bin(bin_edges[c], features[i, c])
    return bins


@njit(cache=True)
def _bin(edges, value):  # type: ignore[no-untyped-def]
    """How many of the BINS - 1 ascending edges are less than `value`: binary search, branchless."""
    count, step = 0, BINS // 2
    while step:
        count += step * (edges[count + step - 1] < value)
        step //= 2
    return count


@njit(cache=True)
def _taken(bins, features, rows):  # type: ignore[no-untyped-def]
    """The bins of some features and rows: (features, rows)."""
    taken = np.empty((len(features), len(rows)), np.uint8)
    for t in range(len(features)):
        row = bins[features[t]]
        for i in range(len(rows)):
            taken[t, i] = row[rows[i]]
    return taken


def _fit_tree(bins: Bins, residuals: F64, features: I64) -> tuple[I64, I64, F64]:
    """One tree: its features, bins and leaf values. bins: (t, n), of these features (t,)."""
    split_features, split_bins = np.zeros(DEPTH, np.int64), np.zeros(DEPTH, np.int64)
    leaf = np.zeros(len(residuals), np.uint8)
    gains, each = np.empty((len(features), BINS - 1)), np.arange(len(features) + 1)
    for level in range(DEPTH):
        on_all_threads(_fill_gains, each, gains, bins, (residuals, leaf), 1 << level)
        tried, split_bins[level] = divmod(int(gains.argmax()), BINS - 1)
        split_features[level] = features[tried]
        _split(leaf, bins[tried], split_bins[level])
    sums = np.bincount(leaf, residuals, 1 << DEPTH)
    counts = np.bincount(leaf, minlength=1 << DEPTH)
    # Leaf value = learning rate * Σ residuals / (n + L2).
    return split_features, split_bins, LEARNING_RATE * sums / (counts + L2_LEAVES)


@njit(cache=True)
def _split(leaf, bins, edge):  # type: ignore[no-untyped-def]
    """Part every leaf in two: whether the bin of a row (n,) is greater than `edge`."""
    least = np.uint8(edge)
    for i in range(len(leaf)):
        leaf[i] = np.uint8(leaf[i] << 1) | np.uint8(bins[i] > least)


@njit(cache=True, nogil=True)
def _fill_gains(run, gains, all_bins, rows, leaves):  # type: ignore[no-untyped-def]
    """Σ² / (n + L2) of both sides of every split, summed over the leaves: (features, BINS - 1).

    all_bins: of the features tried, those from run[0] to run[1] - 1. rows: residual and leaf of
    each.
    """
    residuals, leaf = rows
    for t in range(run[0], run[1]):
        bins = all_bins[t]
        # Sum and number of each leaf and bin, side by side; unsigned, so that no place is checked.
        cells = np.zeros((leaves * BINS, 2))
        for i in range(len(residuals)):
            cell = cells[np.uint64(leaf[i]) * np.uint64(BINS) + np.uint64(bins[i])]
            cell[0] += residuals[i]
            cell[1] += 1.0
        for b in range(BINS - 1):
            gains[t, b] = 0.0
        for k in range(leaves):
            total, count, lower, count_lower = 0.0, 0.0, 0.0, 0.0
            own = cells[k * BINS : (k + 1) * BINS]
            for b in range(BINS):
                total += own[b, 0]
                count += own[b, 1]
            for b in range(BINS - 1):
                lower += own[b, 0]
                count_lower += own[b, 1]
                upper = (total - lower) ** 2 / (count - count_lower + L2_LEAVES)
                gains[t, b] += lower**2 / (count_lower + L2_LEAVES) + upper


@njit(cache=True)
def _predict_tree(bins, split_features, split_bins, leaf_values):  # type: ignore[no-untyped-def]
    """Prediction of one tree for every row: (n,)."""
    predicted, leaf = np.empty(bins.shape[1]), np.zeros(bins.shape[1], np.uint8)
    for level in range(len(split_features)):
        row, edge = bins[split_features[level]], np.uint8(split_bins[level])
        for i in range(len(leaf)):
            leaf[i] = np.uint8(leaf[i] << 1) | np.uint8(row[i] > edge)
    for i in range(len(leaf)):
        predicted[i] = leaf_values[leaf[i]]
    return predicted


@njit(cache=True)
def _add_trees(total, bins, split_features, split_bins, leaf_values):  # type: ignore[no-untyped-def]
    """Add the prediction of every tree to `total` (n,).

    DEPTH operations for each tree and row; blocks of rows stay in cache.
    """
    for block in range((len(total) + BLOCK_ROWS - 1) // BLOCK_ROWS):
        part = total[block * BLOCK_ROWS : (block + 1) * BLOCK_ROWS]
        leaf = np.empty(len(part), np.uint8)
        for tree in range(len(leaf_values)):
            for i in range(len(leaf)):
                leaf[i] = 0
            for level in range(split_features.shape[1]):
                feature = split_features[tree, level]
                row = bins[feature, block * BLOCK_ROWS : (block + 1) * BLOCK_ROWS]
                edge = np.uint8(split_bins[tree, level])
                for i in range(len(leaf)):
                    leaf[i] = np.uint8(leaf[i] << 1) | np.uint8(row[i] > edge)
            for i in range(len(leaf)):
                part[i] += leaf_values[tree, leaf[i]]
