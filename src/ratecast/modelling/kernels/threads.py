"""When a kernel may use all threads, and when BLAS may not."""

from collections.abc import Callable
from functools import wraps
from threading import current_thread, main_thread
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

MANY = 1 << 12
P = ParamSpec("P")
T = TypeVar("T")


def kernels_first(work: Callable[P, T]) -> Callable[P, T]:
    """Limit matrix products to one thread while `work` runs.

    The threads of numpy's BLAS stay awake for a while after a product and compete with those of
    the next kernel: a fit that alternates between the two took up to twice as long.
    """

    @wraps(work)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(1, "blas"):
            return work(*args, **kwargs)

    return alone


def side_by_side(rows: int) -> bool:
    """Whether a kernel over `rows` rows may use all threads; the bits are the same.

    For few rows, starting threads costs more than it saves. Never outside the main thread: numba's
    thread pool serves one caller at a time, and a service loads a model while it answers requests.
    """
    return rows >= MANY and current_thread() is main_thread()
