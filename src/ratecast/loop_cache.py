"""The cache of compiled loops: read without making numba's compiler ready, and never outdated."""

import sys
from collections.abc import Callable, Iterator
from functools import cache as cached
from hashlib import sha256
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numba
from numba import njit
from numba.core import config
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)
from numba.core.runtime.nrt import rtsys
from typing_extensions import override

from ratecast.visible_text import one_line

# Folders in which a compiled loop could not be kept, as far as it was said.
_not_kept: set[str] = set()


def _given() -> str:
    """NUMBA_CACHE_DIR, or empty."""
    return config.CACHE_DIR or ""  # type: ignore[attr-defined]


class _GivenFolder(UserProvidedCacheLocator):
    """The folder NUMBA_CACHE_DIR, and no other where it is given."""

    @classmethod
    @override
    def from_function(cls, py_func: Any, py_file: Any) -> Any:
        """For a function; None where no folder is given."""
        return cls(py_func, py_file) if _given() else None


class _PackageFolder(InTreeCacheLocator):
    """The folder of the package, read too where it can only be read, as in an image."""

    @classmethod
    @override
    def from_function(cls, py_func: Any, py_file: Any) -> Any:
        """For a function; None where nothing can be written and nothing was."""
        if found := super().from_function(py_func, py_file):  # type: ignore[no-untyped-call]
            return found
        here = cls(py_func, py_file)
        folder = Path(here.get_cache_path())  # type: ignore[no-untyped-call]
        return here if any(folder.glob("*.nbi")) else None


class _Folders(CompileResultCacheImpl):
    _locator_classes = [_GivenFolder, _PackageFolder, UserWideCacheLocator]  # noqa: RUF012


class LoopCache(FunctionCache):
    """numba's cache on disk, in the same files.

    Before numba reads a compiled loop it imports and registers everything that it can compile,
    scipy included: a quarter of a second in every process. What was compiled needs none of it, and
    where the cache has no such loop, numba does it when it compiles.

    numba takes a compiled loop for current while the file of the loop is unchanged, although the
    code of other files that it calls is a part of it. Here what counts is all that was compiled.

    A folder that cannot be written is read, and reported where a loop had to be compiled.
    """

    _impl_class = _Folders

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        # How numba names the state of the file.
        self._cache_file._source_stamp = stamp(function, options)  # noqa: SLF001

    @override
    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled loop for these types of arguments, or None."""
        # What allocates the arrays that a loop makes; without it they would crash.
        rtsys.initialize(target_context)
        try:
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except OSError:
            # As where another process writes it, or nothing can be read there.
            return None

    @override
    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled loop, or report that it cannot be."""
        try:
            self._save_overload(sig, data)  # type: ignore[no-untyped-call]
        except OSError as error:
            report(_given() or self.cache_path, error.strerror or str(error))


def say_not_kept(folder: str, reason: str) -> None:
    """Say once that compiled loops cannot be kept in a folder."""
    if folder not in _not_kept:
        _not_kept.add(folder)
        line = f"compiled loops cannot be kept in {folder} ({reason}), so each process compiles "
        step = "set NUMBA_CACHE_DIR to a folder that can be written"
        print(f"ratecast: {one_line(line)}them anew; {step}", file=sys.stderr)


# What is done then; `doctor --compile` refuses.
report: Callable[[str, str], None] = say_not_kept


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
        try:
            # What its option `cache` does.
            made._cache = LoopCache(function, options)  # noqa: SLF001
        except RuntimeError:
            # numba finds no folder that can be written.
            report(str(Path(__file__).parent), "read-only")
    return made
