import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast import radix_sort, sorting
from ratecast.splits import by_time

TIMES = st.lists(st.integers(-5, 5) | st.integers(0, 2**31), min_size=1, max_size=60)


@settings(deadline=None)
@given(TIMES)
def test_radix_order_is_the_stable_one(times: list[int]) -> None:
    at = np.array(times, np.int64)
    assert radix_sort.order(at).tolist() == np.argsort(at, kind="stable").tolist()


@pytest.mark.parametrize("widest", [10, 2**31, 2**40])
def test_large_tables_are_ordered_as_small_ones(
    widest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = np.random.default_rng(0).integers(-widest, widest, 5_000)
    small = sorting.by_time(at)
    monkeypatch.setattr(sorting, "_RADIX_ROWS", 1_000)
    assert (sorting.by_time(at) == small).all()
    assert (np.diff(at[small]) >= 0).all()


@settings(deadline=None)
@given(TIMES, st.floats(0.01, 0.99))
def test_the_border_follows_the_quantile_of_all_times(times: list[int], share: float) -> None:
    at = np.sort(np.array(times, np.int64))
    assert by_time._border(at, share) == int(np.floor(np.quantile(at, share))) + 1
