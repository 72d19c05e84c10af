"""Loops that numba compiles; numba is imported when the first of them is called.

Importing numba and making it ready for one loop takes half a second: more than a forecast of one
rating. So a module that has such loops does not import it, and few steps are done by Python itself.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from threading import RLock, local
from typing import Any

# Python takes about half a microsecond for a step: a quarter of what numba needs to begin.
FEW_STEPS = 1 << 18
# From so many rows on, a compiled loop saves more than the time that it takes to load.
MANY_ROWS = 1 << 20
_thread, _making = local(), RLock()


class Loop:
    """A function that numba compiles when it is first called.

    numba sees its dispatcher in its place, so that compiled loops can call it; whatever else a
    dispatcher has, such as its signatures, it has too.
    """

    dispatcher: Any

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self.function, self.options = function, options
        update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """The result of the compiled function, or of the function itself in `in_python`."""
        if getattr(_thread, "in_python", False):
            return self.function(*args)
        return self.dispatcher(*args)

    def __getattr__(self, name: str) -> Any:
        """Make the dispatcher at its first use, and pass on what it has."""
        if name != "dispatcher":
            if name.startswith("__"):
                raise AttributeError(name)
            return getattr(self.dispatcher, name)
        with _making:
            if "dispatcher" not in self.__dict__:
                from ratecast.loop_cache import dispatcher

                self.dispatcher = dispatcher(self.function, **self.options)
        return self.__dict__["dispatcher"]


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """The decorator of numba with these options, for a function of a module.

    >>> @njit()
    ... def twice(number):
    ...     return 2 * number
    >>> twice(4)
    8
    """
    return lambda function: Loop(function, options)


@contextmanager
def in_python(steps: int) -> Iterator[bool]:
    """Run loops in Python inside the block, where few `steps` are worth no start of numba.

    Only for loops without fastmath over numbers of double precision: these have the same bits.
    Yields whether they do run in Python.
    """
    few = steps <= FEW_STEPS and "numba" not in sys.modules
    before, _thread.in_python = getattr(_thread, "in_python", False), few
    try:
        yield few
    finally:
        _thread.in_python = before
