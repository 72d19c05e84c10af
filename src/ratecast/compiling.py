"""Compiles the loops before they are needed, as for an image or before a service starts."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryDirectory
from typing import Any

import ratecast
from ratecast.compiled import Loop
from ratecast.errors import InputError, MissingPackageError
from ratecast.progress import bar

# Rooms without loops, which need packages of extras.
_NO_LOOPS = ("ratecast.cli", "ratecast.serving", "ratecast.plots")


@dataclass(frozen=True)
class Compiled:
    """What was compiled.

    loops: how many. forms: of types of arguments, of all of them. seconds: that it took, with the
    work on a small table for which they are compiled. folder: where they are kept. left_out: models
    whose packages are missing.
    """

    loops: int
    forms: int
    seconds: float
    folder: Path
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        without = f"; without {', '.join(self.left_out)}" if self.left_out else ""
        return (
            f"{self.loops} compiled loops for {self.forms} forms of arguments, ready in "
            f"{self.seconds:.0f} s, kept in {self.folder}{without}"
        )


def compile_all() -> Compiled:
    """Fit, update, ask and store every model on a small table, so that its loops are compiled.

    What is compiled already is only loaded. Raises `InputError` where it cannot be kept.
    """
    start, left_out = time.perf_counter(), []
    with TemporaryDirectory(prefix="ratecast-") as folder, _kept_or_refused():
        for name, work in _works(Path(folder)):
            # Notes on the table say nothing here.
            with bar(f"{name}: compiling"), redirect_stderr(StringIO()):
                try:
                    work()
                except MissingPackageError:
                    left_out.append(name)
    used = [loop for loop in _loops() if "dispatcher" in vars(loop) and loop.signatures]
    forms = sum(len(loop.signatures) for loop in used)
    return Compiled(len(used), forms, time.perf_counter() - start, _folder(used), tuple(left_out))


@contextmanager
def _kept_or_refused() -> Iterator[None]:
    """Raise `InputError` at the first loop that is compiled and cannot be kept."""
    # numba is imported where the first loop is called.
    from ratecast import loop_cache

    def refuse(folder: str, reason: str) -> None:
        raise InputError(
            f"doctor: compiled loops cannot be kept in {folder} ({reason}); set NUMBA_CACHE_DIR to "
            "a folder that can be written"
        )

    before, loop_cache.report = loop_cache.report, refuse
    try:
        yield
    finally:
        loop_cache.report = before


def _works(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every model on a table with times and one without, read from a file."""
    from ratecast.models import MODELS

    for name in MODELS:
        yield name, partial(_use, name, folder)


def _use(name: str, folder: Path) -> None:
    import ratecast as rc

    table = folder / "ratings.csv"
    if not table.exists():
        rc.example_ratings().frame.write_csv(table)
    for timed in (True, False):
        ratings = rc.load(table, no_time=not timed)
        split = rc.chronological(ratings) if timed else rc.holdout(ratings)
        model = rc.Auto(budget=1) if name == "auto" else rc.make_model(name)
        rc.evaluate(model, split)
        model.fit(split.train, split.valid)
        model.predict([1], [2])
        model.save(folder / name)
        loaded = rc.load_model(folder / name)
        loaded.predict(split.test)
        if loaded.updates_online():
            loaded.observe(split.test)
        rc.top_n(loaded, [1, 2], n=5, rated=split.train)


def _loops() -> Iterator[Loop]:
    """Every loop of the package whose module is imported or can be."""
    seen: set[int] = set()
    for module in walk_packages(ratecast.__path__, "ratecast.", _skip):
        if module.name.startswith(_NO_LOOPS):
            continue
        try:
            named: dict[str, Any] = vars(import_module(module.name))
        except (ImportError, MissingPackageError):
            continue
        for value in named.values():
            if isinstance(value, Loop) and id(value) not in seen:
                seen.add(id(value))
                yield value


def _skip(_: str) -> None:
    """A folder of the package that needs an extra."""


def _folder(loops: list[Loop]) -> Path:
    given = os.environ.get("NUMBA_CACHE_DIR")
    paths = [path for loop in loops if (path := loop.dispatcher._cache.cache_path)]  # noqa: SLF001
    return Path(given or os.path.commonpath(paths))
