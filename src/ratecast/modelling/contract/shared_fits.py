"""Fits that several runs share: what was learned of a table once is taken over.

A blend fits its parts, and a table of results has rows of the parts too, and of blends that differ
in one setting. While a folder is given, a fit with the same settings on the same ratings is read
from it, by any process. Side information is not compared: all runs are of one data set.
"""

import hashlib
import os
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ratecast.modelling.contract.hooks import Hooks
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.kernels.compile_seconds import compile_clock
from ratecast.ratings import Ratings
from ratecast.systems import rename

T = TypeVar("T")


@dataclass
class _Sharing:
    """folder: of what was computed; None: nothing is shared. seconds: that were spared so far."""

    folder: Path | None = None
    seconds: float = 0.0


@dataclass
class Spared:
    """Seconds that the work in a block would have taken more, known at its end."""

    seconds: float = 0.0


_sharing = _Sharing()


@contextmanager
def sharing(folder: Path | None) -> Iterator[None]:
    """Share the fits of the block with other processes, through an existing folder; None: none."""
    _sharing.folder = folder
    try:
        yield
    finally:
        _sharing.folder = None


@contextmanager
def spared_clock() -> Iterator[Spared]:
    """Sum the seconds of what is read in the block, as they were when it was computed."""
    spared, before = Spared(), _sharing.seconds
    try:
        yield spared
    finally:
        spared.seconds = _sharing.seconds - before


def computed_once(about: tuple[object, ...], compute: Callable[[], T]) -> T:
    """What `compute` gives, or gave before for the same `about`, whose text has all of it."""
    if _sharing.folder is None:
        return compute()
    file = _sharing.folder / hashlib.sha256(repr(about).encode()).hexdigest()
    if file.exists():
        # Written by a process of the same command, below.
        seconds, known = pickle.loads(file.read_bytes())
        _sharing.seconds += seconds
        return known  # type: ignore[no-any-return]
    with compile_clock() as compiling, spared_clock() as spared:
        start = time.perf_counter()
        value = compute()
        taken = time.perf_counter() - start
    seconds = max(taken - compiling.seconds, 0.0) + spared.seconds
    own = file.with_suffix(f".{os.getpid()}")
    own.write_bytes(pickle.dumps((seconds, value), pickle.HIGHEST_PROTOCOL))
    rename(own, file)
    return value


def fit_or_take(model: Hooks, train: Rows, valid: Ratings | None) -> None:
    """`model.fit_rows`, or what it learned before; scale, ids and counts stay the model's own."""
    if _sharing.folder is None or model.learns_from_valid:
        model.fit_rows(train, valid)
        return
    assert isinstance(train.table, Ratings)

    def learned() -> dict[str, Any]:
        model.fit_rows(train, valid)
        return {name: value for name, value in vars(model).items() if name not in _OWN}

    vars(model).update(
        computed_once(("fit", *described(model), train.table.fingerprint()), learned)
    )


def described(model: Hooks) -> tuple[object, ...]:
    """The class and the settings of a model; the seed where it matters."""
    settings = model.settings() if model.is_random else model.settings() | {"seed": None}
    return type(model).__module__, type(model).__qualname__, sorted(settings.items())


# Of every model: its settings and what the contract learns.
_OWN = {field.name for field in fields(Hooks)}
