"""The loops of `fold_in`: eight posterior samples side by side, each a lane of the processor.

A state of eight samples, the lower triangle of each covariance, takes 12 to 22 KB and so stays in
the cache nearest to the core while all rows of a user pass. Tables are (rows, 8), see `lanes`.
"""

import math

import numpy as np

from ratecast.aligned import DOUBLES
from ratecast.compiled import njit
from ratecast.lanes import divide, load, plus, repeated, store, times, times_plus
from ratecast.models.factorization_machine.fold_in_columns import Tables, Walk


@njit(cache=True)
def _multiply(state, size):  # type: ignore[no-untyped-def]
    """Set gain[:size] to the covariance's leading part times x[:size]."""
    covariance, x, gain, start = state.covariance, state.x, state.gain, 0
    for a in range(size):
        own = load(x, a, 0)
        product = times(load(covariance, start + a, 0), own)
        for b in range(a):
            entry = load(covariance, start + b, 0)
            product = times_plus(entry, load(x, b, 0), product)
            store(gain, b, 0, times_plus(entry, own, load(gain, b, 0)))
        store(gain, a, 0, product)
        start += a + 1


@njit(cache=True)
def _fill_x(tables, at, open_bins, state):  # type: ignore[no-untyped-def]
    """Set x to (1, factors, bins). at: first row of the movie's vector; its bias is left."""
    x, width = state.x, len(state.set_sum)
    store(x, 0, 0, repeated(1.0))
    for a in range(1, width):
        store(x, a, 0, load(tables.vectors, at + a, 0))
    for b in range(len(open_bins)):
        store(x, width + b, 0, repeated(open_bins[b]))


@njit(cache=True)
def _product(a, b, size, start):  # type: ignore[no-untyped-def]
    """`start` + sum of the first rows of `a` times those of `b`."""
    found = start
    for k in range(size):
        found = times_plus(load(a, k, 0), load(b, k, 0), found)
    return found


@njit(cache=True)
def _update(rating, state, size):  # type: ignore[no-untyped-def]
    """Learn a rating from `x` by recursive least squares.

    rating: lanes of what its forecast has beside `x` and `mean`, target, and noise. size: d, or
    d + b once a bin of unknown effect was learned: until then bins are independent of the vector.
    """
    (level, target, noise), (mean, covariance, gain) = (
        rating,
        (state.mean, state.covariance, state.gain),
    )
    forecast = _product(state.x, mean, size, plus(level, repeated(-target)))
    _multiply(state, size)
    variance = _product(gain, state.x, size, repeated(noise))
    scale, start = divide(repeated(-1.0), variance), 0
    for a in range(size):
        share = times(load(gain, a, 0), scale)
        store(mean, a, 0, times_plus(share, forecast, load(mean, a, 0)))
        for b in range(a + 1):
            entry = load(covariance, start + b, 0)
            store(covariance, start + b, 0, times_plus(share, load(gain, b, 0), entry))
        start += a + 1


@njit(cache=True)
def _add_to_set(tables, at, rated, state, size):  # type: ignore[no-untyped-def]
    """Add a movie to the user's set: the posterior mean moves by covariance precision step.

    It is exact, since the posterior mean is linear in the prior mean. rated: size of the new set.
    """
    width, scale = len(state.set_sum), repeated(1 / math.sqrt(rated))
    for a in range(width):
        now = plus(load(state.set_sum, a, 0), load(tables.in_set, at + a, 0))
        store(state.set_sum, a, 0, now)
        # The set is a sum / sqrt(its size).
        now = times(now, scale)
        step = times_plus(load(state.set_mean, a, 0), repeated(-1.0), now)
        store(state.set_mean, a, 0, now)
        store(state.x, a, 0, times(load(tables.precision, a, 0), step))
    for a in range(width, size):
        store(state.x, a, 0, repeated(0.0))
    _multiply(state, size)
    for a in range(size):
        store(state.mean, a, 0, plus(load(state.mean, a, 0), load(state.gain, a, 0)))


@njit(cache=True)
def _open_bins(keys, variances, state):  # type: ignore[no-untyped-def]
    """Replace each time bin that is over by the bin of `keys`, with its prior: mean 0."""
    current, covariance, zero = state.current, state.covariance, repeated(0.0)
    width = len(state.set_sum)
    for b in range(len(keys)):
        if keys[b] != current[b] or keys[b] < 0:
            current[b], k = keys[b], width + b
            store(state.mean, k, 0, zero)
            for a in range(k):
                store(covariance, k * (k + 1) // 2 + a, 0, zero)
            store(covariance, k * (k + 1) // 2 + k, 0, repeated(variances[b]))
            for a in range(k + 1, len(state.mean)):
                store(covariance, a * (a + 1) // 2 + k, 0, zero)


@njit(cache=True)
def _start(tables, user, state):  # type: ignore[no-untyped-def]
    """Set `state` to the prior of a user without ratings. user: the user's first row of labels."""
    width, zero = len(state.set_sum), repeated(0.0)
    for k in range(len(state.covariance)):
        store(state.covariance, k, 0, zero)
    for k in range(width, len(state.mean)):
        store(state.mean, k, 0, zero)
    for a in range(width):
        prior = load(tables.mean_set, a, 0)
        store(state.set_sum, a, 0, zero)
        store(state.set_mean, a, 0, prior)
        store(state.mean, a, 0, plus(load(tables.labels, user + a, 0), prior))
        variance = divide(repeated(1.0), load(tables.precision, a, 0))
        store(state.covariance, a * (a + 1) // 2 + a, 0, variance)
    for b in range(len(state.current)):
        state.current[b] = -2


@njit(cache=True)
def _add_probabilities(mean, std, cuts, out):  # type: ignore[no-untyped-def]
    """Add Phi((cut_k - mean) / std) - Phi((cut_(k-1) - mean) / std) to `out`, (S,)."""
    below = 0.0
    for k in range(len(cuts)):
        up_to = 0.5 * math.erfc((mean - cuts[k]) / std * math.sqrt(0.5))
        out[k] += up_to - below
        below = up_to
    out[-1] += 1 - below


@njit(cache=True)
def _predict(state, size, forecast):  # type: ignore[no-untyped-def]
    """Set rows 0 and 1 of `gain` to the forecasts of eight samples, and their variances x' C x.

    forecast: lanes of what is known beside `x` and `mean`.
    """
    forecast = _product(state.x, state.mean, size, forecast)
    _multiply(state, size)
    variance = _product(state.gain, state.x, size, repeated(0.0))
    store(state.gain, 0, 0, forecast)
    store(state.gain, 1, 0, variance)


@njit(cache=True)
def _add_samples(i, block, walk, lanes, found):  # type: ignore[no-untyped-def]
    """Add the samples of a block to the forecasts of row i. lanes: what `_predict` has set."""
    mean, square, cuts = found.mean[i], found.square[i], walk.cuts
    first, noise = block * DOUBLES, walk.batches.noise[i]
    for s in range(first, min(first + DOUBLES, len(cuts))):
        # Welford's running mean and sum of squares.
        forecast, variance = lanes[0, s - first], lanes[1, s - first]
        step = forecast - mean
        mean += step / (s + 1)
        square += step * (forecast - mean) + variance
        if cuts.shape[1]:
            std = math.sqrt(noise + variance)
            _add_probabilities(forecast, std, cuts[s], found.probabilities[i])
    found.mean[i], found.square[i] = mean, square


@njit(cache=True)
def _first_ratings(edges, movies, count):  # type: ignore[no-untyped-def]
    """Which rows are the first of their user and movie, (n,). count: of movies."""
    first, last = np.empty(len(movies), np.bool_), np.full(count, -1)
    for user in range(len(edges) - 1):
        for i in range(edges[user], edges[user + 1]):
            first[i] = last[movies[i]] != user
            last[movies[i]] = user
    return first


@njit(cache=True)
def _learn(i, walk, state, size, rated):  # type: ignore[no-untyped-def]
    """Learn row i. rated: size of the user's set with its movie, 0 where that is in it already.

    Returns `size` of `_update` for the rows after it.
    """
    batches, bins, tables = walk.batches, walk.bins, walk.tables
    at = batches.movies[i] * len(state.set_sum)
    if rated:
        _add_to_set(tables, at, rated, state, size)
    _open_bins(bins.keys[i], bins.variances, state)
    if np.any(bins.unknown[i] != 0):
        size = len(state.mean)
    _fill_x(tables, at, bins.unknown[i], state)
    known = plus(load(tables.level, 0, 0), load(tables.vectors, at, 0))
    _update((known, batches.target[i], batches.noise[i]), state, size)
    return size


@njit(cache=True)
def _present_bins(i, bins, current, open_bins):  # type: ignore[no-untyped-def]
    """Set `open_bins` (b,) to 1 where row i is in a bin that `current` has and the fit has not.

    Returns the variance of those that have not begun, which is that of their prior.
    """
    variance = 0.0
    for b in range(len(open_bins)):
        same = bins.keys[i, b] == current[b] and bins.keys[i, b] >= 0
        open_bins[b] = bins.unknown[i, b] if same else 0.0
        variance += 0.0 if same else bins.unknown[i, b] * bins.variances[b]
    return variance


@njit(cache=True)
def _request(i, walk, open_bins, state):  # type: ignore[no-untyped-def]
    """Forecast row i from the present state."""
    at = walk.batches.movies[i] * len(state.set_sum)
    _fill_x(walk.tables, at, open_bins, state)
    known = plus(load(walk.tables.level, 0, 0), load(walk.tables.vectors, at, 0))
    known = plus(known, repeated(walk.batches.time_effect[i]))
    size = len(state.mean) if np.any(open_bins != 0) else len(state.set_sum)
    _predict(state, size, known)


@njit(cache=True)
def _copy(source, target):  # type: ignore[no-untyped-def]
    """Copy the leading rows that both have."""
    for k in range(min(len(source), len(target))):
        store(target, k, 0, load(source, k, 0))


@njit(cache=True)
def _walk_block(block, walk, first, state, found):  # type: ignore[no-untyped-def]
    """Walk all users in the samples of one block, whose tables `walk` has. first: (n,) bool."""
    batches, width = walk.batches, len(state.set_sum)
    edges, group = batches.edges, batches.group
    open_bins, learned_user = np.empty(len(walk.bins.variances)), walk.learned
    for user in range(len(edges) - 1):
        _start(walk.tables, user * width, state)
        if learned_user.is_known:
            _copy(learned_user.mean[block], state.mean)
            _copy(learned_user.covariance[block], state.covariance)
        learned, size, rated = edges[user], width, 0
        for i in range(edges[user], edges[user + 1]):
            if group[i] < 0:
                continue
            # Learn all rows of earlier groups.
            while group[learned] < group[i]:
                rated += first[learned]
                size = _learn(learned, walk, state, size, rated if first[learned] else 0)
                learned += 1
            not_begun = _present_bins(i, walk.bins, state.current, open_bins)
            if block == 0:
                found.square[i] += len(walk.cuts) * not_begun
            _request(i, walk, open_bins, state)
            _add_samples(i, block, walk, state.gain, found)
        if block < len(learned_user.mean) and not learned_user.is_known:
            _copy(state.mean, learned_user.mean[block])
            _copy(state.covariance, learned_user.covariance[block])


@njit(cache=True)
def walk_blocks(walk, state, found):  # type: ignore[no-untyped-def]
    """Walk all users in each block of samples: see `fold_in.walk_users`. `found` begins at 0."""
    batches, tables = walk.batches, walk.tables
    first = _first_ratings(batches.edges, batches.movies, tables.vectors.shape[1])
    for block in range(len(tables.level)):
        own = Tables(
            tables.labels[block],
            tables.mean_set[block],
            tables.precision[block],
            tables.vectors[block],
            tables.in_set[block],
            tables.level[block],
        )
        part = Walk(batches, walk.bins, own, walk.cuts, walk.learned)
        _walk_block(block, part, first, state, found)
