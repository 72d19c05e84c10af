"""Attention of a user's ratings to the earlier ones in compiled loops, without (m, m) matrices.

For row r and the rows i that it sees: score_i = q_r · k_i + recency log(places back), w: softmax of
the scores and of a null slot of value 0, mean_r = Σ w_i v_i. Forward keeps the logarithm of each
softmax's denominator, from which backward computes the weights again.
Reference: Dao et al. 2022, "FlashAttention: fast and memory-efficient exact attention".
Differs: a row sees a run of earlier rows, so only that run is computed.
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F32, I64
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import fill

# Rows whose gradients are added to those of the keys and values at once.
_TILE = 8
_LOG2_E = np.float32(1.4426950408889634)
_LN_2 = np.float32(0.6931471805599453)
# Of e, so that its powers of 2 are no denormal numbers.
_LEAST_EXPONENT = np.float32(-87.0)


class Window(NamedTuple):
    """The rows of one batch of windows.

    query: (b, m, w). key, value: (b, w, m). earlier: (b, m), how many rows of the window come
    before each row's time; may be below 0 or, where a row is padding, above m. log_lags:
    (max_history,) of log(max_history) down to log(1). null_score, recency: of the layer.
    """

    query: F32
    key: F32
    value: F32
    earlier: I64
    log_lags: F32
    null_score: np.float32
    recency: np.float32


@njit(cache=True, fastmath=True)
def _add_products(numbers, lines, span, into):  # type: ignore[no-untyped-def]
    """Add Σ_t numbers[t] lines[t, start:stop] to `into`, (stop - start,). Four at once."""
    (start, stop), t = span, 0
    while t + 4 <= len(numbers):
        a, b, c, d = numbers[t], numbers[t + 1], numbers[t + 2], numbers[t + 3]
        # Cut line by line: of lines[:, start:stop] a compiler does not know that they are dense.
        first, second = lines[t, start:stop], lines[t + 1, start:stop]
        third, fourth = lines[t + 2, start:stop], lines[t + 3, start:stop]
        for i in range(len(into)):
            into[i] += a * first[i] + b * second[i] + c * third[i] + d * fourth[i]
        t += 4
    while t < len(numbers):
        a, first = numbers[t], lines[t, start:stop]
        for i in range(len(into)):
            into[i] += a * first[i]
        t += 1


@njit(cache=True, fastmath=True)
def _dots(vector, lines, span, out):  # type: ignore[no-untyped-def]
    """Set out[t] to the product of `vector`, (stop - start,), and lines[t, start:stop]."""
    (start, stop), t = span, 0
    while t + 4 <= len(out):
        first, second = lines[t, start:stop], lines[t + 1, start:stop]
        third, fourth = lines[t + 2, start:stop], lines[t + 3, start:stop]
        a = b = c = d = np.float32(0.0)
        for i in range(len(vector)):
            a += vector[i] * first[i]
            b += vector[i] * second[i]
            c += vector[i] * third[i]
            d += vector[i] * fourth[i]
        out[t], out[t + 1], out[t + 2], out[t + 3] = a, b, c, d
        t += 4
    while t < len(out):
        a, first = np.float32(0.0), lines[t, start:stop]
        for i in range(len(vector)):
            a += vector[i] * first[i]
        out[t] = a
        t += 1


@njit(cache=True, fastmath=True)
def _exp(numbers, shift, bits):  # type: ignore[no-untyped-def]
    """Set `numbers` (n,) to exp(numbers - shift), and return their sum; none is above shift.

    exp(x) = 2^k exp(x - k ln 2): a polynomial, and 2^k by its bits, which is vectorised as exp is
    not. Relative error about 1e-7, and 3e-6 where the result is below 1e-30. bits: (n,) int32,
    overwritten.
    """
    powers = bits.view(np.float32)
    for i in range(len(numbers)):
        x = max(numbers[i] - shift, _LEAST_EXPONENT)
        k = np.int32(x * _LOG2_E - np.float32(0.5))
        x -= np.float32(k) * _LN_2
        y = np.float32(1.0 / 720) * x + np.float32(1.0 / 120)
        y = y * x + np.float32(1.0 / 24)
        y = y * x + np.float32(1.0 / 6)
        y = y * x + np.float32(0.5)
        y = y * x + np.float32(1.0)
        numbers[i] = y * x + np.float32(1.0)
        bits[i] = (k + 127) << 23
    total = np.float32(0.0)
    for i in range(len(numbers)):
        numbers[i] *= powers[i]
        total += numbers[i]
    return total


@njit(cache=True, fastmath=True)
def _scores(query, window, part, span, out):  # type: ignore[no-untyped-def]
    """Set `out` to the scores of the rows span[0]:span[1] for one row, and return the greatest."""
    end, recency, most = len(window.log_lags), window.recency, window.null_score
    lags = window.log_lags[end - (span[1] - span[0]) : end]
    for i in range(len(out)):
        out[i] = recency * lags[i]
    _add_products(query, window.key[part], span, out)
    for i in range(len(out)):
        most = max(most, out[i])
    return most


@njit(cache=True)
def _span(window, part, row):  # type: ignore[no-untyped-def]
    """The rows that a row sees: first, and after the last."""
    stop = max(0, min(window.earlier[part, row], window.key.shape[2]))
    return max(0, stop - len(window.log_lags)), stop


@njit(cache=True)
def attend(window, mean, log_total):  # type: ignore[no-untyped-def]
    """Forward. window: `Window`. mean: (b, m, w). log_total: (b, m) of the denominators."""
    longest = window.key.shape[2]
    room, bits = np.empty(longest, np.float32), np.empty(longest, np.int32)
    for part in range(len(mean)):
        for row in range(longest):
            start, stop = _span(window, part, row)
            weights = room[: stop - start]
            most = _scores(window.query[part, row], window, part, (start, stop), weights)
            total = _exp(weights, most, bits[: stop - start])
            total += np.exp(window.null_score - most)
            _dots(weights, window.value[part], (start, stop), mean[part, row])
            for a in range(mean.shape[2]):
                mean[part, row, a] /= total
            log_total[part, row] = most + np.log(total)


@njit(cache=True, fastmath=True)
def _softmax_gradient(weights, inner, log_lags, steps):  # type: ignore[no-untyped-def]
    """Set `steps`, the gradient of the weights, to that of the scores; returns that of recency.

    inner: Σ w_i steps_i.
    """
    recency = np.float32(0.0)
    for i in range(len(weights)):
        steps[i] = weights[i] * (steps[i] - inner)
        recency += steps[i] * log_lags[i]
    return recency


@njit(cache=True)
def _tile_span(window, part, rows):  # type: ignore[no-untyped-def]
    """The rows that any of rows[0]:rows[1] sees: first, and after the last."""
    first, last = window.key.shape[2], 0
    for row in range(rows[0], rows[1]):
        start, stop = _span(window, part, row)
        if start < stop:
            first, last = min(first, start), max(last, stop)
    return min(first, last), last


@njit(cache=True)
def _row_gradient(place, window, given, query, room):  # type: ignore[no-untyped-def]
    """Fill room, (weights, gradients of the scores, bits), for one row; gradients of the scalars.

    place: part of the batch, row, and the first row that stands in `room`. given: mean (w,),
    log_total, and the gradient of the mean (w,). query: (w,), set to its gradient.
    """
    (part, row, first), (weights, steps, bits) = place, room
    mean, log_total, upstream = given
    start, stop = _span(window, part, row)
    fill(weights, np.float32(0.0))
    fill(steps, np.float32(0.0))
    own, change = weights[start - first : stop - first], steps[start - first : stop - first]
    inner = np.float32(0.0)
    for a in range(len(upstream)):
        inner += upstream[a] * mean[a]
    _scores(window.query[part, row], window, part, (start, stop), own)
    _exp(own, log_total, bits[: stop - start])
    _add_products(upstream, window.value[part], (start, stop), change)
    end = len(window.log_lags)
    lags = window.log_lags[end - stop + start : end]
    recency = _softmax_gradient(own, inner, lags, change)
    _dots(change, window.key[part], (start, stop), query)
    return -inner * np.exp(window.null_score - log_total), recency


@njit(cache=True)
def gradients(window, forward, upstream, query, key_value):  # type: ignore[no-untyped-def]
    """Backward. Returns the gradients of the null score and of recency.

    window: `Window`. forward: mean and log_total of `attend`. upstream: (b, m, w), of the mean.
    query: (b, m, w), set to its gradient. key_value: (b, w, m) each, to which theirs are added.
    """
    longest, (mean, log_total), (of_key, of_value) = window.key.shape[2], forward, key_value
    weights, steps = (
        np.empty((_TILE, longest), np.float32),
        np.empty((_TILE, longest), np.float32),
    )
    bits, null_score, recency = np.empty(longest, np.int32), 0.0, 0.0
    for part in range(len(query)):
        for top in range(0, longest, _TILE):
            end = min(top + _TILE, longest)
            first, last = _tile_span(window, part, (top, end))
            width = last - first
            for row in range(top, end):
                room = weights[row - top, :width], steps[row - top, :width], bits
                place = part, row, first
                given = mean[part, row], log_total[part, row], upstream[part, row]
                each = _row_gradient(place, window, given, query[part, row], room)
                null_score += each[0]
                recency += each[1]
            for a in range(len(of_key[part])):
                own, given = window.query[part, top:end, a], upstream[part, top:end, a]
                _add_products(own, steps, (0, width), of_key[part, a, first:last])
                _add_products(given, weights, (0, width), of_value[part, a, first:last])
    return null_score, recency
