from concurrent.futures import ThreadPoolExecutor

from ratecast.modelling.kernels import threads


def test_no_kernel_goes_side_by_side_outside_the_main_thread() -> None:
    assert threads.side_by_side(threads.MANY)
    assert not threads.side_by_side(threads.MANY - 1)
    with ThreadPoolExecutor(1) as pool:
        assert not pool.submit(threads.side_by_side, threads.MANY).result()
