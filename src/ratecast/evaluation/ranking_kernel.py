"""The kernel of ranking metrics: one user after another, each user's rows sorted once."""

import numpy as np

from ratecast.compiled import njit

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
    better, worse = np.argsort(gains), np.argsort(-forecasts)
    dcg, hits, reciprocal, likes, start = 0.0, 0.0, 0.0, 0, 0
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
        if liked and not likes:
            reciprocal = _reciprocal_rank(start, stop - start, liked)
        likes += liked
        start = stop
    if likes:
        scores[RECALL], scores[PRECISION], scores[MRR] = hits / likes, hits / k, reciprocal
    if gains[better[0]] < gains[better[-1]]:
        scores[NDCG] = dcg / _ideal_dcg(gains, better, cut)
        scores[CONCORDANCE] = _concordance(forecasts, gains, better, worse)


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
def _ideal_dcg(gains, better, cut):  # type: ignore[no-untyped-def]
    k, _, discounts = cut
    total = 0.0
    for rank in range(min(k, len(gains))):
        total += gains[better[-1 - rank]] * (discounts[rank + 1] - discounts[rank])
    return total


@njit(cache=True)
def _concordance(forecasts, gains, better, worse):  # type: ignore[no-untyped-def]
    """Share of the pairs of different gains in the order of their forecasts, ties one half.

    better, worse: (m,) rows by gain, ascending, and by forecast, descending. From the lowest
    forecast up, a Fenwick tree has how many rows there were at each level of gain: m log m steps.
    """
    levels, different = _levels(gains, better)
    tree = np.zeros(levels[better[-1]] + 2, np.int64)
    in_order, reversed_, stop = 0, 0, len(gains)
    while stop > 0:
        start, earlier = stop, len(gains) - stop
        while start > 0 and forecasts[worse[start - 1]] == forecasts[worse[stop - 1]]:
            start -= 1
            in_order += _counted(tree, levels[worse[start]])
            reversed_ += earlier - _counted(tree, levels[worse[start]] + 1)
        for row in worse[start:stop]:
            _add(tree, levels[row])
        stop = start
    return 0.5 + 0.5 * (in_order - reversed_) / different


@njit(cache=True)
def _levels(gains, better):  # type: ignore[no-untyped-def]
    """The number of each row's gain, (m,), from 0 for the least, and how many pairs differ."""
    levels, level, lower, different = np.empty(len(gains), np.int64), 0, 0, 0
    for i in range(len(gains)):
        if i and gains[better[i]] != gains[better[i - 1]]:
            level += 1
            lower = i
        levels[better[i]] = level
        different += lower
    return levels, different


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
