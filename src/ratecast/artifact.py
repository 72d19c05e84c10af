"""A fitted model on disk: a JSON manifest, safetensors, and Parquet tables; no pickle.

The manifest has the SHA-256 of every other file and of what it says itself, so that a changed or
incomplete artifact is refused. What it does not list is not read.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ratecast.atomic_write import write_text
from ratecast.disk_files import digest_of, sync_folder
from ratecast.errors import InputError
from ratecast.systems import rename, sync

# Version 1, of ratecast 0.1, has other names of models, settings and arrays.
VERSION, READ = 2, (1, 2)
MANIFEST, ARRAYS, TABLE = "manifest.json", "arrays.safetensors", ".parquet"
_OF_MODEL = (Path(ARRAYS).suffix, TABLE)
# The key of the manifest's own digest; artifacts of ratecast 0.2 and before have none.
DIGEST = "digest"
# The key of files beside the model, such as its experiment: a model is restored without them.
BESIDE = "beside"


@dataclass(frozen=True)
class Artifact:
    """The content of an artifact: plain values, named arrays, named tables.

    sealed: whether its manifest has a digest of its own, so that it is whole. An artifact without
    one may be of an earlier release, which had fewer settings and arrays.
    """

    meta: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    tables: dict[str, pl.DataFrame]
    version: int = VERSION
    sealed: bool = True


def write(folder: Path, artifact: Artifact) -> None:
    """Write into `folder`, completely or not at all; an old artifact there is replaced.

    When it returns, everything is on the disk. Raises `InputError` if the folder has other files.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a new folder for the artifact")
    if folder.exists() and not (folder / MANIFEST).exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: has other files; give a new folder for the artifact")
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _fill(new, artifact)
        _swap(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def read(folder: Path) -> Artifact:
    """Read and verify the artifact in `folder`. Raises `InputError` if it is not intact."""
    folder = Path(folder)
    manifest = _manifest(folder)
    for name, digest in (manifest["files"] | manifest[BESIDE]).items():
        _require_intact(folder, name, digest)
    for path in sorted(folder.iterdir()):
        if path.suffix in _OF_MODEL and path.name not in manifest["files"]:
            raise InputError(f"{folder}: {path.name} is no part of it; copy the whole folder again")
    tables = [Path(name).stem for name in manifest["files"] if name != ARRAYS]
    return Artifact(
        manifest["meta"],
        _arrays(folder),
        {name: _table(folder, f"{name}{TABLE}") for name in tables},
        manifest["version"],
        DIGEST in manifest,
    )


def list_beside(folder: Path, names: Iterable[str]) -> None:
    """Take files that lie in the folder of an artifact into its manifest, with their digests.

    names: of files, without a folder. Raises `InputError` for a folder that is no artifact.
    """
    manifest = _manifest(folder)
    manifest[BESIDE] |= {name: digest_of(folder / name) for name in names}
    write_text(folder / MANIFEST, _sealed(manifest))


def beside(folder: Path, name: str) -> Path | None:
    """A file beside the model in `folder`, as it was saved; None if the artifact has none.

    Raises `InputError` for one that is missing or has changed, and for what is no artifact.
    """
    manifest, file = _manifest(folder), folder / name
    if DIGEST not in manifest:
        # Of a release that listed none of them.
        return file if file.is_file() else None
    if name not in manifest[BESIDE]:
        return None
    _require_intact(folder, name, manifest[BESIDE][name])
    return file


def _require_intact(folder: Path, name: str, digest: str) -> None:
    if not (folder / name).is_file():
        raise InputError(f"{folder}: {name} is missing; copy the whole folder again")
    if digest_of(folder / name) != digest:
        raise InputError(f"{folder}: {name} has changed since it was saved; train again")


def _arrays(folder: Path) -> dict[str, NDArray[Any]]:
    try:
        return load_file(folder / ARRAYS)
    except SafetensorError as error:
        raise InputError(f"{folder}: {ARRAYS} cannot be read ({error}); train again") from None


def _table(folder: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(folder / name, glob=False)
    except pl.exceptions.PolarsError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{folder}: {name} cannot be read ({reason}); train again") from None


def identity(folder: Path) -> str:
    """What no other artifact than that in `folder` has: the SHA-256 of its manifest."""
    # Which refuses what is no artifact.
    _manifest(folder)
    return digest_of(folder / MANIFEST)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        # In the folder of a run, beside its curves.
        within = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
        hint = f"give {within[0]}" if within else "give a folder that ratecast train wrote"
        raise InputError(f"{folder}: no {MANIFEST}; {hint}") from None
    except ValueError:
        raise InputError(f"{folder}: {MANIFEST} is not JSON; copy the whole folder again") from None
    version = manifest.get("version") if isinstance(manifest, dict) else None
    if version not in READ:
        raise InputError(
            f"{folder}: artifact of version {version}; this ratecast reads {VERSION}; train again"
        )
    if manifest.get(DIGEST, _own_digest(manifest)) != _own_digest(manifest):
        raise InputError(f"{folder}: {MANIFEST} has changed since it was saved; train again")
    files = manifest.get("files")
    if not (isinstance(manifest.get("meta"), dict) and isinstance(files, dict) and ARRAYS in files):
        raise InputError(f"{folder}: {MANIFEST} is incomplete; copy the whole folder again")
    others = manifest.setdefault(BESIDE, {})
    if not isinstance(others, dict):
        raise InputError(f"{folder}: {MANIFEST} is incomplete; copy the whole folder again")
    known = {name: name == ARRAYS or Path(name).suffix == TABLE for name in files}
    known |= {name: Path(name).suffix not in _OF_MODEL for name in others}
    for name, fits in known.items():
        if not fits or Path(name).name != name or name == MANIFEST:
            raise InputError(f"{folder}: {MANIFEST} names {name!r}, no file of an artifact")
    return manifest


def _own_digest(manifest: dict[str, Any]) -> str:
    """SHA-256 of what a manifest says, in whatever order and form it was written."""
    content = {key: value for key, value in manifest.items() if key != DIGEST}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sealed(manifest: dict[str, Any]) -> str:
    """The text of a manifest with its own digest."""
    # As it will be read: JSON has no tuples, and no keys but text.
    digest = _own_digest(json.loads(json.dumps(manifest)))
    return json.dumps(manifest | {DIGEST: digest}, indent=2) + "\n"


def _fill(folder: Path, artifact: Artifact) -> None:
    save_file({k: np.asarray(v, order="C") for k, v in artifact.arrays.items()}, folder / ARRAYS)
    for name, table in artifact.tables.items():
        table.write_parquet(folder / f"{name}{TABLE}")
    files = {path.name: digest_of(path) for path in sorted(folder.iterdir())}
    manifest = {"version": VERSION, "meta": artifact.meta, "files": files}
    (folder / MANIFEST).write_text(_sealed(manifest), "utf-8")
    folder.chmod(0o755)
    sync_folder(folder)


def _swap(new: Path, folder: Path) -> None:
    """Move `new` to `folder`; a reader sees the old artifact or the new one."""
    old = new.with_name(new.name + "-old")
    if folder.exists():
        rename(folder, old)
    rename(new, folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
