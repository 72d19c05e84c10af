"""A fitted model on disk: a JSON manifest, safetensors, and Parquet tables; no pickle.

The manifest has the SHA-256 of every other file, so that a changed or incomplete artifact is
refused.
"""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ratecast.disk_files import digest_of
from ratecast.errors import InputError

# Version 1, of ratecast 0.1, has other names of models, settings and arrays.
VERSION, READ = 2, (1, 2)
MANIFEST, ARRAYS = "manifest.json", "arrays.safetensors"


@dataclass(frozen=True)
class Artifact:
    """The content of an artifact: plain values, named arrays, named tables."""

    meta: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    tables: dict[str, pl.DataFrame]
    version: int = VERSION


def write(folder: Path, artifact: Artifact) -> None:
    """Write into `folder`, completely or not at all; an old artifact there is replaced.

    Raises `InputError` if the folder has other files.
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
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file():
            raise InputError(f"{folder}: {name} is missing; copy the whole folder again")
        if digest_of(folder / name) != digest:
            raise InputError(f"{folder}: {name} has changed since it was saved; train again")
    try:
        arrays = load_file(folder / ARRAYS)
    except SafetensorError as error:
        raise InputError(f"{folder}: {ARRAYS} cannot be read ({error}); train again") from None
    tables = {
        Path(name).stem: pl.read_parquet(folder / name, glob=False)
        for name in manifest["files"]
        if name.endswith(".parquet")
    }
    return Artifact(manifest["meta"], arrays, tables, manifest["version"])


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
    return manifest


def _fill(folder: Path, artifact: Artifact) -> None:
    save_file({k: np.asarray(v, order="C") for k, v in artifact.arrays.items()}, folder / ARRAYS)
    for name, table in artifact.tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    files = {path.name: digest_of(path) for path in sorted(folder.iterdir())}
    manifest = {"version": VERSION, "meta": artifact.meta, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    folder.chmod(0o755)


def _swap(new: Path, folder: Path) -> None:
    """Move `new` to `folder`; a reader sees the old artifact or the new one."""
    old = new.with_name(new.name + "-old")
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
