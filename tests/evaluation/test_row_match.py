"""Rows of forecasts are found as a plain search finds them."""

from collections import defaultdict

import numpy as np
import polars as pl
import pytest

from ratecast.evaluation.row_match import NONE, SURPLUS, match


def searched(part: pl.DataFrame, given: pl.DataFrame) -> list[int]:
    """By a dictionary, one row after another."""
    keys = [name for name in part.columns if name in given.columns]
    rows, wanted = defaultdict(list), defaultdict(list)
    for row, key in enumerate(given.select(keys).iter_rows()):
        rows[key].append(row)
    for row, key in enumerate(part.select(keys).iter_rows()):
        wanted[key].append(row)
    found = [NONE] * part.height
    for key, own in wanted.items():
        others = rows[key]
        for turn, row in enumerate(own):
            if len(others) > len(own):
                found[row] = SURPLUS
            elif len(others) == 1:
                found[row] = others[0]
            elif turn < len(others):
                found[row] = others[turn]
    return found


@pytest.mark.parametrize("seed", range(40))
def test_as_a_search_row_by_row(seed: int) -> None:
    random = np.random.default_rng(seed)
    # From few repeated pairs to many; times that agree, differ, or are not known.
    ids, n = (3, 30)[seed % 2], int(random.integers(1, 40))
    frame = pl.DataFrame({
        "user": random.integers(ids, size=n) + 5,
        "movie": random.integers(ids, size=n) * 1000,
        "at": random.integers(2, size=n),
    })  # fmt: skip
    given = frame.sample(int(random.integers(1, 2 * n)), with_replacement=True, seed=seed)
    if seed % 4 == 1:
        given = frame.sample(fraction=1, shuffle=True, seed=seed)
    if seed % 3 == 0:
        given = given.drop("at")
    if seed % 5 == 0:
        given = given.with_columns(pl.col("user").replace(6, 10**12))
    assert match(frame, given).tolist() == searched(frame, given)


def test_ids_may_be_text() -> None:
    part = pl.DataFrame({"user": ["a", "b"], "movie": ["x", "x"]})
    given = pl.DataFrame({"user": ["b", "c", "a"], "movie": ["x", "x", "x"]})
    assert match(part, given).tolist() == [2, 0]
