from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ratecast.modelling.kernels import loops


def test_no_kernel_goes_side_by_side_outside_the_main_thread() -> None:
    assert loops.side_by_side(loops.MANY)
    assert not loops.side_by_side(loops.MANY - 1)
    with ThreadPoolExecutor(1) as pool:
        assert not pool.submit(loops.side_by_side, loops.MANY).result()


@pytest.mark.parametrize(("rows", "runs"), [(0, 0), (1, 1), (9, 1), (10, 1), (25, 2), (99, 4)])
def test_runs_are_fewer_for_few_rows(rows: int, runs: int) -> None:
    cuts = loops.even_cuts(rows, most=4, least=10)
    assert (cuts[0], cuts[-1], len(cuts) - 1) == (0, rows, runs)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("rows", [0, 1, 2, 5, 1000])
def test_every_row_is_in_one_run(count: int, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "thread_count", lambda: count)
    seen = np.zeros(rows, np.int64)

    def kernel(run: tuple[int, int], more: int) -> None:
        seen[run[0] : run[1]] += more

    loops.on_all_threads(kernel, loops.even_cuts(rows), 2)
    assert (seen == 2).all()


def test_an_error_on_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "thread_count", lambda: 2)

    def kernel(run: tuple[int, int]) -> None:
        raise ValueError(run)

    with pytest.raises(ValueError, match="0"):
        loops.on_all_threads(kernel, loops.even_cuts(100))
