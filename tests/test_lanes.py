from typing import Any

import numpy as np
import pytest

from ratecast.aligned import DOUBLES, LANES, cache_aligned, padded
from ratecast.compiled import njit
from ratecast.lanes import (
    divide,
    load,
    load_four,
    load_scaled,
    plus,
    prefetch,
    prefetch_row,
    repeated,
    repeated_four,
    root,
    store,
    times,
    times_plus,
    total,
)


@njit()
def product(table, a, b, lanes):  # type: ignore[no-untyped-def]
    """Σ table[a] * table[b]."""
    prefetch_row(table, a)
    found = times(load(table, a, 0), load(table, b, 0))
    for k in range(lanes, table.shape[1], lanes):
        prefetch(table, b, k)
        found = times_plus(load(table, a, k), load(table, b, k), found)
    return total(found)


@njit()
def add(table, row, number, lanes):  # type: ignore[no-untyped-def]
    """Add a number to a row, and the whole numbers of another, scaled."""
    for k in range(0, table.shape[1], lanes):
        store(table, row, k, plus(load(table, row, k), repeated(number)))


@njit()
def invert(table, row, number, lanes):  # type: ignore[no-untyped-def]
    """Replace a row by a number over it."""
    for k in range(0, table.shape[1], lanes):
        store(table, row, k, divide(repeated(number), load(table, row, k)))


@njit()
def lengths(a, b, into):  # type: ignore[no-untyped-def]
    """Of each row, of four numbers, into = sqrt(a^2 + 2 b^2)."""
    for row in range(len(a)):
        one, other = load_four(a, row, 0), load_four(b, row, 0)
        twice = times(other, repeated_four(2.0))
        store(into, row, 0, root(times_plus(one, one, times(twice, other))))


@njit()
def widen(whole, scale, table):  # type: ignore[no-untyped-def]
    for row in range(len(whole)):
        for k in range(0, whole.shape[1], LANES):
            store(table, row, k, load_scaled(whole, row, k, scale))


@pytest.mark.parametrize(("kind", "lanes"), [(np.float32, LANES), (np.float64, DOUBLES)])
def test_lanes_do_what_plain_loops_do(kind: type, lanes: int) -> None:
    drawn = np.random.default_rng(0).normal(size=(5, 3 * lanes))
    table: Any = drawn.astype(kind)
    wanted = float(table[1].astype(float) @ table[3].astype(float))
    assert product(table, 1, 3, lanes) == pytest.approx(wanted, rel=1e-5)
    before = table.copy()
    add(table, 2, kind(1.5), lanes)
    assert np.array_equal(table[2], before[2] + kind(1.5))
    assert np.array_equal(np.delete(table, 2, 0), np.delete(before, 2, 0))
    invert(table, 4, kind(1.5), lanes)
    assert np.array_equal(table[4], kind(1.5) / before[4])


def test_four_lanes() -> None:
    a, b, into = np.random.default_rng(3).normal(size=(3, 5, 4))
    lengths(a, b, into)
    np.testing.assert_allclose(into, np.sqrt(a**2 + 2 * b**2))


def test_whole_numbers_are_scaled() -> None:
    whole = np.random.default_rng(1).integers(-32767, 32768, (4, 2 * LANES)).astype(np.int16)
    table = np.zeros((4, 2 * LANES), np.float32)
    widen(whole, np.float32(0.25), table)
    assert np.array_equal(table, whole * np.float32(0.25))


def test_a_sum_has_one_order_everywhere() -> None:
    table = np.random.default_rng(2).normal(size=(1, LANES)).astype(np.float32)
    ones = np.vstack([table, np.ones_like(table)])
    halves = table[0]
    while len(halves) > 1:
        halves = halves[: len(halves) // 2] + halves[len(halves) // 2 :]
    assert product(ones, 0, 1, LANES) == halves[0]


def test_widths_are_filled_up_to_lanes() -> None:
    assert [padded(width) for width in (0, 1, 16, 17)] == [16, 16, 16, 32]
    assert padded(9, DOUBLES) == 16
    assert cache_aligned(3, 16).ctypes.data % 64 == 0
