"""When BLAS may use all threads."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

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
