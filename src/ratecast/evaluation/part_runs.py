"""Tables in parts, each made by a worker of any place from a saved model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import polars as pl
from typing_extensions import override

from ratecast import artifact
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.models import load_model
from ratecast.parted_table import Part, opened, part_name, write_part
from ratecast.resources import require_disk
from ratecast.workers import LOCAL, Labelled, Place, Shared, gathered, pool

_PACKAGES = ("ratecast", "numpy", "numba", "polars")


class SavedModel(NamedTuple):
    """A saved model, which each process reads for itself. identity: see `artifact.identity`."""

    folder: Path
    identity: str

    @classmethod
    def at(cls, folder: Path) -> Self:
        """The artifact in a folder."""
        return cls(folder.resolve(), artifact.identity(folder))

    def load(self) -> Model:
        """The model, read once in each process; it must not be changed.

        Raises `InputError` if it has been replaced by another one.
        """
        return _loaded(self)


@lru_cache(maxsize=1)
def _loaded(saved: SavedModel) -> Model:
    model = load_model(saved.folder)
    if artifact.identity(saved.folder) != saved.identity:
        raise InputError(f"{saved.folder}: was replaced during the work; give the command again")
    return model


class Maker(Protocol):
    """Makes any part from what is given for it alone. It can be pickled."""

    def part(self, *given: Any) -> tuple[pl.DataFrame, dict[str, Any]]:
        """The rows of a part, and what is noted of it, as JSON."""
        ...


class PartRun(NamedTuple):
    """A table that is to be made in parts.

    out: its folder. title: of the progress. made_from: see `opened`. saved: the model. rows: how
    many there will be at the most. row_bytes: of one on disk.
    """

    out: Path
    title: str
    made_from: dict[str, Any]
    saved: SavedModel
    rows: int
    row_bytes: float


class Slices(Mapping[str, tuple[Any, ...]]):
    """What the part of each name is given; taken when it is looked up, so that few are held.

    rows: of the whole, `size` of them in each part but the last. take: what a slice of them gives.
    """

    def __init__(self, rows: int, size: int, take: Callable[[slice], tuple[Any, ...]]) -> None:
        starts = range(0, max(rows, 1), size)
        self._of = {part_name(k): slice(s, min(s + size, rows)) for k, s in enumerate(starts)}
        self._take = take

    @override
    def __getitem__(self, name: str) -> tuple[Any, ...]:
        return self._take(self._of[name])

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    @override
    def __len__(self) -> int:
        return len(self._of)


def make_parts(
    run: PartRun,
    maker: Maker,
    given: Mapping[str, tuple[Any, ...]],
    place: Place,
    reads: Sequence[Path] = (),
) -> list[Part]:
    """Make the parts that are not there yet, and the manifest; all parts, in their order.

    given: by the name of the part. reads: folders that workers read beside the model. Raises
    `InputError`: see `opened` and `pool`; too little disk.
    """
    out = run.out.resolve()
    share = sum((out / name).is_file() for name in given) / len(given)
    require_disk(out, (1 - share) * run.rows * run.row_bytes, str(run.out))
    with opened(out, run.made_from) as folder:
        parts = {name: part for name, part in folder.kept.items() if name in given}
        missing = _Calls(given, [name for name in given if name not in parts], maker, out)
        if missing:
            parts |= _made(run, missing, place, [run.saved.folder, out, *reads])
        found = [parts[name] for name in given]
        folder.finish(found)
    return found


def versions() -> dict[str, str]:
    """What computes the parts."""
    return {name: version(name) for name in _PACKAGES}


def _made(run: PartRun, calls: "_Calls", place: Place, folders: Sequence[Path]) -> dict[str, Part]:
    if place != LOCAL:
        # The workers have their own.
        _loaded.cache_clear()
    try:
        with pool(place, folders=folders) as workers:
            calls.shared = workers.share(calls.maker)
            return dict(gathered(workers, calls, Labelled(run.title, "parts")))
    finally:
        _loaded.cache_clear()


class _Calls(Mapping[str, tuple[Any, ...]]):
    """The calls that make some parts, by name."""

    shared: Shared[Maker]

    def __init__(
        self, given: Mapping[str, tuple[Any, ...]], names: list[str], maker: Maker, out: Path
    ) -> None:
        self.given, self.names, self.maker, self.out = given, names, maker, out

    @override
    def __getitem__(self, name: str) -> tuple[Any, ...]:
        return (_write, self.shared, self.out, name, *self.given[name])

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    @override
    def __len__(self) -> int:
        return len(self.names)


def _write(maker: Shared[Maker], folder: Path, name: str, *given: Any) -> Part:
    """On a worker: make one part."""
    table, notes = maker.value().part(*given)
    return write_part(folder, name, table, notes)
