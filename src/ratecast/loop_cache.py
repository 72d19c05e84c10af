"""The cache of compiled loops, read without making numba's compiler ready."""

from typing import Any

import numba
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys
from typing_extensions import override


class LoopCache(FunctionCache):
    """numba's cache on disk, in the same files.

    Before numba reads a compiled loop it imports and registers everything that it can compile,
    scipy included: a quarter of a second in every process. What was compiled needs none of it, and
    where the cache has no such loop, numba does it when it compiles.
    """

    @override
    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled loop for these types of arguments, or None."""
        # What allocates the arrays that a loop makes; without it they would crash.
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        # Where the guard takes an error in.
        return None


# It reads what numba does not promise to keep, so with another release numba's own cache is used.
READS = numba.__version__.startswith("0.68.")


def dispatcher(function: Any, cache: bool = False, **options: Any) -> Any:
    """What `numba.njit` makes of a function with these options."""
    made = njit(**options)(function)
    if cache and not READS:
        made.enable_caching()
    elif cache:
        # What its option `cache` does.
        made._cache = LoopCache(function)  # type: ignore[no-untyped-call]  # noqa: SLF001
    return made
