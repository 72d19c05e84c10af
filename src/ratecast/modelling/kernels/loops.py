"""Loops for what an assignment to a slice does.

For such an assignment numba compiles the text of the error that it can raise: two CPU seconds or
three for each kernel that has one.
"""

from numba import njit


@njit(cache=True)
def fill(into, number):  # type: ignore[no-untyped-def]
    """Set every entry of `into` (n,) to `number`."""
    for a in range(len(into)):
        into[a] = number


@njit(cache=True)
def copy(into, numbers):  # type: ignore[no-untyped-def]
    """Copy `numbers` (n,) to the first entries of `into`, (n,) or longer."""
    for a in range(len(numbers)):
        into[a] = numbers[a]


@njit(cache=True)
def add(into, numbers):  # type: ignore[no-untyped-def]
    """Add `numbers` (n,) to `into` (n,)."""
    for a in range(len(into)):
        into[a] += numbers[a]
