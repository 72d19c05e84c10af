"""The kernel of ranking metrics: one user after another, each user's rows sorted once."""

import numpy as np
from numba import njit

# Columns of the scores.
NDCG, RECALL, PRECISION, MRR, CONCORDANCE = range(5)


@njit(cache=True, nogil=True)
def score_users(run, grouped, given, cut, scores):  # type: ignore[no-untyped-def]
    """Metrics of each user of the run, into scores (users, 5); see `UserRankings`.

    grouped: borders of the users, (users + 1,), and by user the row numbers and the forecasts,
    (n,). given: ratings by row number, (n,), and the lowest of the scale. cut: k, the least gain
    that is liked, and the sums of the discounts of the first 0, 1, 2, ... ranks.
    A metric of which the user does not count is left as it is.
    """
    edges, rows, forecasts = grouped
    ratings, lowest = given
    for user in range(run[0], run[1]):
        own = slice(edges[user], edges[user + 1])
        gains = np.empty(edges[user + 1] - edges[user])
        for i in range(len(gains)):
            # In single precision the lowest rating may be a little below the scale.
            gains[i] = max(ratings[rows[edges[user] + i]] - lowest, 0.0)
        _score_user(forecasts[own], gains, cut, scores[user])


@njit(cache=True)
def _score_user(forecasts, gains, cut, scores):  # type: ignore[no-untyped-def]
    """Metrics of one user's rows, (m,): a group of equal forecasts takes its ranks together.

    A gain belongs to each rank of its group in equal shares: the expectation over all orders.
    """
    k, liked_gain, discounts = cut
    ideal, worse = np.sort(gains), np.argsort(-forecasts)
    likes = len(gains) - np.searchsorted(ideal, liked_gain)
    dcg, hits, reciprocal, start = 0.0, 0.0, 0.0, 0
    while start < len(gains):
        stop, total, liked = start, 0.0, 0
        while stop < len(gains) and forecasts[worse[stop]] == forecasts[worse[start]]:
            total += gains[worse[stop]]
            liked += gains[worse[stop]] >= liked_gain
            stop += 1
        inside = min(stop, k) - min(start, k)
        discount = discounts[min(stop, k)] - discounts[min(start, k)]
        dcg += total * discount / (stop - start)
        hits += liked * inside / (stop - start)
        if liked and reciprocal == 0.0:
            reciprocal = _reciprocal_rank(start, stop - start, liked)
        start = stop
    if likes:
        scores[RECALL], scores[PRECISION], scores[MRR] = hits / likes, hits / k, reciprocal
    if len(ideal) and ideal[0] < ideal[-1]:
        scores[NDCG] = dcg / _ideal_dcg(ideal, k, discounts)
        scores[CONCORDANCE] = _concordance(forecasts, np.searchsorted(ideal, gains), worse)


@njit(cache=True)
def _reciprocal_rank(before, tied, liked):  # type: ignore[no-untyped-def]
    """Expected 1 / (before + j), j the place of the first of `liked` rows among `tied` ones.

    P(j) = C(tied - j, liked - 1) / C(tied, liked)
    """
    share, expected = liked / tied, 0.0
    for j in range(1, tied - liked + 2):
        expected += share / (before + j)
        if j < tied:
            share *= (tied - j - liked + 1) / (tied - j)
    return expected


@njit(cache=True)
def _ideal_dcg(ascending, k, discounts):  # type: ignore[no-untyped-def]
    total = 0.0
    for rank in range(min(k, len(ascending))):
        total += ascending[-1 - rank] * (discounts[rank + 1] - discounts[rank])
    return total


@njit(cache=True)
def _concordance(forecasts, lower, worse):  # type: ignore[no-untyped-def]
    """Share of the pairs of different ratings in the order of their forecasts, ties one half.

    lower: (m,) how many rows are rated lower. worse: (m,) rows from the highest forecast down.
    From the lowest forecast up, a Fenwick tree has how many rows there were at each value of
    `lower`: m log m steps.
    """
    tree, in_order, reversed_, stop = np.zeros(len(lower) + 1, np.int64), 0, 0, len(lower)
    while stop > 0:
        start, earlier = stop, len(lower) - stop
        while start > 0 and forecasts[worse[start - 1]] == forecasts[worse[stop - 1]]:
            start -= 1
            in_order += _counted(tree, lower[worse[start]])
            reversed_ += earlier - _counted(tree, lower[worse[start]] + 1)
        for row in worse[start:stop]:
            _add(tree, lower[row])
        stop = start
    return 0.5 + 0.5 * (in_order - reversed_) / lower.sum()


@njit(cache=True)
def _counted(tree, below):  # type: ignore[no-untyped-def]
    """How many were added at places under `below`."""
    total = 0
    while below > 0:
        total += tree[below]
        below -= below & -below
    return total


@njit(cache=True)
def _add(tree, place):  # type: ignore[no-untyped-def]
    k = place + 1
    while k < len(tree):
        tree[k] += 1
        k += k & -k
