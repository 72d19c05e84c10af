"""Numbers of ids: those of numpy's sort, whatever the ids are."""

import doctest

import numpy as np
import pytest

from ratecast.metrics import dense_numbers as module
from ratecast.metrics.dense_numbers import dense_numbers

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "ids",
    [
        RANDOM.integers(-5, 40, 200),
        RANDOM.integers(0, 200, 500).astype(np.uint8),
        RANDOM.integers(-(2**62), 2**62, 50),
        np.array([-128, 127, 0, 127], np.int8),
        np.array([2**64 - 1, 0, 5], np.uint64),
        np.array([2**64 - 1, 2**64 - 3], np.uint64),
        RANDOM.integers(0, 9, 40).astype(str),
        np.zeros(0, np.int64),
    ],
)
def test_they_are_those_of_a_sort(ids: np.ndarray) -> None:
    distinct, place = np.unique(ids, return_inverse=True)
    numbers, count = dense_numbers(ids)
    assert numbers.tolist() == place.tolist()
    assert numbers.dtype == np.int64
    assert count == len(distinct)


def test_the_example_in_the_docstring() -> None:
    assert doctest.testmod(module).failed == 0
