"""A table as a folder of Parquet parts, which several processes write, in one call or more.

`manifest.json` comes last: the rows, bytes and SHA-256 of each part, and what the table was made
from. Until then `begun.json` has the latter, so that the same call goes on where one was killed,
and another one is refused. A part has its name only when it is whole.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ratecast.disk_files import digest_of, locked
from ratecast.errors import InputError
from ratecast.output_paths import check_folder
from ratecast.systems import rename, sync

MANIFEST, BEGUN, LOCK = "manifest.json", "begun.json", ".running"
_FORMAT = 1
_ROW_GROUP = 1 << 18
# What a message calls what a table was made from.
_WORDS = {
    "artifact": "the model",
    "users": "the users",
    "movies": "the movies",
    "excluded": "the movies left out",
    "pairs": "the pairs",
    "ratings": "the true ratings",
    "versions": "ratecast or the packages it computes with",
}


class Part(NamedTuple):
    """One part that is whole. sha256: of its bytes. notes: what its maker says of it, as JSON."""

    name: str
    rows: int
    bytes: int
    sha256: str
    notes: dict[str, Any]


@dataclass(frozen=True)
class PartFolder:
    """A folder that is locked for one call. kept: the parts that are whole already, by name."""

    path: Path
    made_from: dict[str, Any]
    kept: dict[str, Part]

    def finish(self, parts: Sequence[Part]) -> None:
        """Say that the table is complete. parts: all of them, in their order."""
        listed = [part._asdict() for part in parts]
        manifest = {
            "format": _FORMAT,
            "made_from": self.made_from,
            "rows": sum(part.rows for part in parts),
            "parts": listed,
        }
        if _read_json(self.path / MANIFEST) != manifest:
            _write_json(self.path / MANIFEST, manifest)
        (self.path / BEGUN).unlink(missing_ok=True)
        for file in self.path.glob(".part-*"):
            file.unlink(missing_ok=True)


def is_folder_name(out: Path) -> bool:
    """Whether a table goes into a folder of parts: one that is there, or a name without ending."""
    return str(out) != "-" and (out.is_dir() or not out.suffix)


def check_free(path: Path) -> None:
    """Raise `InputError` where no folder of parts can be, as where one has other files."""
    check_folder(path)
    if not path.is_dir() or _record(path) is not None:
        return
    for file in sorted(path.iterdir()):
        if file.name != LOCK and not file.name.startswith(f".{BEGUN}-"):
            raise InputError(f"{path}: has other files, as {file.name}; give a new folder")


def part_name(number: int) -> str:
    """The name of a part, by its number from 0."""
    return f"part-{number:05}.parquet"


def write_part(folder: Path, name: str, table: pl.DataFrame, notes: dict[str, Any]) -> Part:
    """Write one part; at any time it is there whole or not at all. Raises `InputError`.

    folder: opened by `opened`, in this process or another. notes: kept with it, as JSON.
    """
    try:
        with _whole(folder / name) as new:
            table.rechunk().write_parquet(new, compression="zstd", row_group_size=_ROW_GROUP)
            part = Part(name, table.height, new.stat().st_size, digest_of(new), notes)
        _write_json(_facts(folder, name), part._asdict())
    except OSError as error:
        raise InputError(
            f"{folder / name}: cannot be written ({error.strerror or error}); make room, and give "
            "the same command again: the parts that are whole are kept"
        ) from None
    return part


@contextmanager
def opened(path: Path, made_from: dict[str, Any]) -> Iterator[PartFolder]:
    """The folder at `path`, new or that of an earlier run of the same call, locked for the block.

    made_from: all that decides what the parts are, as JSON. What a killed run left half-written is
    removed; after an error, a new folder without a part too. Raises `InputError` for a folder that
    was made from anything else, has other files, or is in use.
    """
    check_free(path)
    wanted = json.loads(json.dumps(made_from))
    is_new = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    in_use = f"{path}: another command writes there; wait for it, or give another folder"
    with locked(path / LOCK, in_use):
        found = _record(path)
        if found is None:
            _write_json(path / BEGUN, {"format": _FORMAT, "made_from": wanted})
        elif found.get("made_from") != wanted or found.get("format") != _FORMAT:
            raise _other(path, found.get("made_from", {}), wanted)
        _sweep(path)
        try:
            yield PartFolder(path, wanted, {part.name: part for part in _kept(path)})
        except BaseException:
            if found is None and not any(path.glob("part-*")):
                _remove(path, whole=is_new)
            raise


def is_parted(path: Path) -> bool:
    """Whether a folder holds such a table, complete or not."""
    return path.is_dir() and _record(path) is not None


def read_parts(path: Path) -> pl.LazyFrame:
    """The table in a folder, its parts in their order, after a check of every byte.

    Raises `InputError` for a table that is not complete, and for a part that is missing, damaged
    or changed.
    """
    manifest = _read_json(path / MANIFEST)
    if manifest is None or "made_from" not in manifest:
        begun = (path / BEGUN).is_file()
        raise InputError(
            f"{path}: is not complete; give the command that began it again, which goes on"
            if begun
            else f"{path}: no {MANIFEST} of a table in parts; give a folder that ratecast "
            "recommend or predict --pairs wrote"
        )
    if manifest.get("format") != _FORMAT:
        raise InputError(f"{path}: is of another version of ratecast; make it again")
    for part in (Part(**part) for part in manifest["parts"]):
        if fault := _fault(path, part):
            raise InputError(
                f"{path / part.name}: {fault}; give the command that made {path} again, which "
                "makes this part anew"
            )
    return pl.scan_parquet([path / part["name"] for part in manifest["parts"]], glob=False)


def _fault(path: Path, part: Part) -> str:
    """What is wrong with a part; empty if nothing is."""
    file = path / part.name
    if not file.is_file():
        return "is missing"
    if (size := file.stat().st_size) != part.bytes:
        return f"has {size:,} bytes and not {part.bytes:,}"
    return "" if digest_of(file) == part.sha256 else "has changed since it was written"


def _kept(path: Path) -> Iterator[Part]:
    """The parts that are whole, by the manifest and what their writers left."""
    manifest = _read_json(path / MANIFEST) or {"parts": []}
    listed = {part["name"]: part for part in manifest["parts"]}
    for file in path.glob(".part-*.json"):
        facts = _read_json(file)
        if facts is not None and facts.keys() == set(Part._fields):
            listed[facts["name"]] = facts
    for name in sorted(listed):
        part = Part(**listed[name])
        if not _fault(path, part):
            yield part


def _record(path: Path) -> dict[str, Any] | None:
    """What the folder says of itself; None for one that is no table in parts."""
    for name in (MANIFEST, BEGUN):
        found = _read_json(path / name)
        if found is not None and "made_from" in found:
            return found
    return None


def _other(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> InputError:
    keys = [key for key in {**wanted, **found} if found.get(key) != wanted.get(key)]
    plain = [key for key in keys if key not in _WORDS]
    values = [f"{key} is {found.get(key)} there and {wanted.get(key)} here" for key in plain]
    hidden = [_WORDS[key] for key in keys if key in _WORDS]
    others = [f"{', '.join(hidden)} differ"] if hidden else []
    return InputError(
        f"{path}: is of another call: {'; '.join([*values, *others])}; give another folder, or "
        f"remove {path} to begin again"
    )


def _sweep(path: Path) -> None:
    """Remove what a killed run had not finished."""
    for file in path.glob(".*-*"):
        if not (file.name.startswith(".part-") and file.suffix == ".json"):
            file.unlink(missing_ok=True)


def _remove(path: Path, *, whole: bool) -> None:
    """Undo the beginning of a table. whole: the folder is of this call too."""
    (path / BEGUN).unlink(missing_ok=True)
    if whole:
        # Windows removes no file that is open, as the lock is here: an empty folder stays there.
        with suppress(OSError):
            (path / LOCK).unlink(missing_ok=True)
            path.rmdir()


def _facts(folder: Path, name: str) -> Path:
    """Where the facts of a part are until the manifest has them."""
    return folder / f".{Path(name).stem}.json"


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A new file to write in the block, which then takes the name `path`, on the disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent)
    os.close(handle)
    new = Path(name)
    try:
        yield new
        new.chmod(0o644)
        sync(new)
        rename(new, path)
        sync(path.parent)
    finally:
        new.unlink(missing_ok=True)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    with _whole(path) as new:
        new.write_text(json.dumps(value, indent=1) + "\n", "utf-8")


def _read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file; None if there is none."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
