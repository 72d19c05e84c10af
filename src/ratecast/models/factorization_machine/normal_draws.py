"""Standard normal numbers, many at a time: those of numpy's `RandomState` for the same seed.

References: Matsumoto, Nishimura 1998, "Mersenne Twister"; Marsaglia, Bray 1964, "A convenient
method for generating normal variables".
Differs: 624 words are made at once, then the pairs of all of them, in loops that a compiler makes
into operations on many lanes, with a logarithm by a series: in a third of the time. The last bit
of a number may differ.
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64, I64
from ratecast.compiled import njit

_WORDS, _AHEAD = 624, 397
_PAIRS = _WORDS // 4
_UPPER, _LOWER, _TWIST = np.uint32(0x80000000), np.uint32(0x7FFFFFFF), np.uint32(0x9908B0DF)
_MASKS = np.uint32(0x9D2C5680), np.uint32(0xEFC60000)
# A mantissa from here on, sqrt(1/2), is below 1 with the next exponent.
_HALF_ROOT, _LOG_2 = 0.7071067811865476, 0.6931471805599453
_MANTISSA, _HALF = (1 << 52) - 1, 1022 << 52


class NormalDraws(NamedTuple):
    """State of one generator.

    words: (624,) of the twister. numbers: (312,) normal ones that are ready. place: the first of
    them that was not taken, and their number. uniform: (624,), overwritten.
    """

    words: NDArray[np.uint32]
    numbers: F64
    place: I64
    uniform: F64

    @classmethod
    def seeded(cls, seed: int) -> Self:
        """As `RandomState` is after the same seed."""
        state = np.random.RandomState(seed % 2**32).get_state(legacy=False)
        words = np.asarray(state["state"]["key"], np.uint32)
        return cls(words.copy(), np.zeros(2 * _PAIRS), np.zeros(2, np.int64), np.zeros(_WORDS))


@njit(cache=True, nogil=True)
def fill_normals(draws, into, column):  # type: ignore[no-untyped-def]
    """Set into[:, column] to the next numbers."""
    done, place = 0, draws.place
    while done < len(into):
        if place[0] == place[1]:
            place[0], place[1] = 0, _refill(draws)
        count = min(len(into) - done, place[1] - place[0])
        for i in range(count):
            into[done + i, column] = draws.numbers[place[0] + i]
        done += count
        place[0] += count


@njit(cache=True)
def _twisted(upper, lower, other):  # type: ignore[no-untyped-def]
    mixed = (upper & _UPPER) | (lower & _LOWER)
    return other ^ (mixed >> np.uint32(1)) ^ ((mixed & np.uint32(1)) * _TWIST)


@njit(cache=True)
def _twist(words):  # type: ignore[no-untyped-def]
    """The next state of the twister."""
    for i in range(_WORDS - _AHEAD):
        words[i] = _twisted(words[i], words[i + 1], words[i + _AHEAD])
    for i in range(_WORDS - _AHEAD, _WORDS - 1):
        words[i] = _twisted(words[i], words[i + 1], words[i + _AHEAD - _WORDS])
    last = _WORDS - 1
    words[last] = _twisted(words[last], words[0], words[last + _AHEAD - _WORDS])


@njit(cache=True)
def _uniform(word):  # type: ignore[no-untyped-def]
    """A word of the twister, tempered."""
    word ^= word >> np.uint32(11)
    word ^= (word << np.uint32(7)) & _MASKS[0]
    word ^= (word << np.uint32(15)) & _MASKS[1]
    return word ^ (word >> np.uint32(18))


@njit(cache=True, error_model="numpy")
def _refill(draws):  # type: ignore[no-untyped-def]
    """Make the numbers of the next 624 words; returns how many."""
    words, uniform, numbers = draws.words, draws.uniform, draws.numbers
    _twist(words)
    for i in range(_WORDS // 2):
        high, low = _uniform(words[2 * i]) >> np.uint32(5), _uniform(words[2 * i + 1])
        whole = np.float64(high) * 67108864.0 + np.float64(low >> np.uint32(6))
        uniform[i] = 2.0 * (whole / 9007199254740992.0) - 1.0
    count = _pairs_inside(uniform, uniform[2 * _PAIRS :])
    squares, scales = uniform[2 * _PAIRS : 3 * _PAIRS], uniform[3 * _PAIRS :]
    _take_mantissas(squares.view(np.int64), scales.view(np.int64))
    _set_scales(squares, squares.view(np.int64), scales)
    for i in range(count):
        numbers[2 * i] = scales[i] * uniform[2 * i + 1]
        numbers[2 * i + 1] = scales[i] * uniform[2 * i]
    return 2 * count


@njit(cache=True)
def _pairs_inside(uniform, squares):  # type: ignore[no-untyped-def]
    """Move pairs inside the circle of radius 1 to the front; their number, and their squares."""
    count = 0
    for i in range(_PAIRS):
        x, y = uniform[2 * i], uniform[2 * i + 1]
        square = x * x + y * y
        uniform[2 * count], uniform[2 * count + 1] = x, y
        squares[count] = square
        count += int(square < 1.0) & int(square > 0.0)
    return count


@njit(cache=True, error_model="numpy")
def _set_scales(squares, bits, scales):  # type: ignore[no-untyped-def]
    """Set `scales`, which has the mantissas, to sqrt(-2 log(square) / square)."""
    for i in range(len(scales)):
        scales[i] = math.sqrt(-2.0 * _log(scales[i], bits[i]) / squares[i])


@njit(cache=True)
def _take_mantissas(bits, mantissas):  # type: ignore[no-untyped-def]
    """Set the bits of each mantissa, from 1/2 to 1, from those of a number."""
    for i in range(len(bits)):
        mantissas[i] = (bits[i] & _MANTISSA) | _HALF


@njit(cache=True, error_model="numpy")
def _log(mantissa, bits):  # type: ignore[no-untyped-def]
    """log(x) = exponent log(2) + 2 artanh((m - 1) / (m + 1)), m from sqrt(1/2) to sqrt(2)."""
    small = mantissa < _HALF_ROOT
    exponent = np.float64((bits >> 52) - 1022) - (1.0 if small else 0.0)
    m = mantissa + (mantissa if small else 0.0)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    # s z^k / (2 k + 1), with z below 0.0295: the first term left out is 2e-19 of the sum.
    series = 1 / 23
    series = series * z + 1 / 21
    series = series * z + 1 / 19
    series = series * z + 1 / 17
    series = series * z + 1 / 15
    series = series * z + 1 / 13
    series = series * z + 1 / 11
    series = series * z + 1 / 9
    series = series * z + 1 / 7
    series = series * z + 1 / 5
    series = series * z + 1 / 3
    return exponent * _LOG_2 + 2.0 * (s + s * z * series)
