"""When a kernel may go to all threads, and who else must not."""

from collections.abc import Callable
from functools import wraps
from threading import current_thread, main_thread
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

MANY = 1 << 12
P = ParamSpec("P")
T = TypeVar("T")


def kernels_first(work: Callable[P, T]) -> Callable[P, T]:
    """Let products of matrices have one thread while `work` runs.

    The threads of numpy's library stay awake for a while after a product, in case another comes,
    and take turns from those of the kernel that runs next: a fit that goes back and forth between
    the two took up to twice as long.
    """

    @wraps(work)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(1, "blas"):
            return work(*args, **kwargs)

    return alone


def side_by_side(rows: int) -> bool:
    """Whether work on so many rows may go to all threads; the bits are the same.

    For few rows, waking threads costs more than they save. Outside the main thread never: numba's
    own pool serves one caller at a time, and a service makes a model ready beside its answers.
    """
    return rows >= MANY and current_thread() is main_thread()
