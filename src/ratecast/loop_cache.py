"""The cache of compiled loops: read without making numba's compiler ready, and never outdated."""

from collections.abc import Callable, Iterator
from functools import cache as cached
from hashlib import sha256
from pathlib import Path
from types import CodeType, ModuleType
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

    numba takes a compiled loop for current while the file of the loop is unchanged, although the
    code of other files that it calls is a part of it. Here what counts is all that was compiled.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        # How numba names the state of the file.
        self._cache_file._source_stamp = stamp(function, options)  # noqa: SLF001

    @override
    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled loop for these types of arguments, or None."""
        # What allocates the arrays that a loop makes; without it they would crash.
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        # Where the guard takes an error in.
        return None


def stamp(function: Callable[..., Any], options: dict[str, Any]) -> str:
    """A digest of what is compiled of a function: its code, the loops it calls, and constants."""
    digest = sha256()
    for part in _of_loop(function, options, set()):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _of_loop(
    function: Callable[..., Any], options: dict[str, Any], seen: set[Callable[..., Any]]
) -> Iterator[str]:
    """Its options and code, then those of the loops that it calls, in order of their names."""
    if function in seen:
        return
    seen.add(function)
    yield f"{function.__module__}.{function.__qualname__} {_plain(options)}"
    yield from _of_code(function.__code__, function.__globals__, function.__doc__, seen)


def _of_code(
    code: CodeType, names: dict[str, Any], text: str | None, seen: set[Callable[..., Any]]
) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_varnames, code.co_names))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _of_code(constant, names, None, seen)
        elif constant != text:
            yield _plain(constant)
    for name in code.co_names:
        value = names.get(name)
        if isinstance(value, ModuleType) and value.__name__.startswith("ratecast."):
            for inner in code.co_names:
                yield from _of_value(getattr(value, inner, None), seen)
        yield from _of_value(value, seen)


def _of_value(value: Any, seen: set[Callable[..., Any]]) -> Iterator[str]:
    """What a compiled loop takes of a name outside it."""
    # By what they have: `Loop` and the operations of `lanes` are above this module.
    own = getattr(value, "__dict__", {})
    if {"function", "options"} <= own.keys():
        yield from _of_loop(value.function, value.options, seen)
    elif hasattr(type(value), "_numba_type_"):
        yield f"{value.name} {_lane_code()}"
    elif isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__} {getattr(value, '_fields', ())}"
    elif isinstance(value, ModuleType) or callable(value):
        yield getattr(value, "__name__", "")
    else:
        yield _plain(value)


def _plain(value: Any) -> str:
    """As text that is the same in every process: the order of a set is not."""
    if isinstance(value, dict):
        return repr(sorted((key, _plain(each)) for key, each in value.items()))
    return repr(sorted(map(repr, value))) if isinstance(value, set | frozenset) else repr(value)


@cached
def _lane_code() -> str:
    return sha256(Path(__file__).with_name("lane_code.py").read_bytes()).hexdigest()


# It reads what numba does not promise to keep, so with another release numba's own cache is used.
READS = numba.__version__.startswith("0.68.")


def dispatcher(function: Any, cache: bool = False, **options: Any) -> Any:
    """What `numba.njit` makes of a function with these options."""
    made = njit(**options)(function)
    if cache and not READS:
        made.enable_caching()
    elif cache:
        # What its option `cache` does.
        made._cache = LoopCache(function, options)  # noqa: SLF001
    return made
