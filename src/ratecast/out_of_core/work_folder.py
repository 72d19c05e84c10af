"""The work folder of a fit: what it was made from, which stages are done, and its lock."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ratecast.atomic_write import write_text
from ratecast.disk_files import locked
from ratecast.errors import InputError
from ratecast.output_paths import check_folder

MANIFEST, LOCK, DONE = "manifest.json", ".running", "done.json"
_FORMAT = 1
_PACKAGES = ("ratecast", "numpy", "numba")
# What a message calls the parts of a manifest.
_WORDS = {
    "model": "the model or its settings",
    "table": "how the table is read",
    "valid": "the validation rows",
    "versions": "ratecast or the packages it computes with",
}


class WorkFolder:
    """A folder of stages. Each stage is a folder of its own, with a file that is written last."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stage(self, name: str) -> Path:
        """The folder of a stage."""
        return self.path / name

    def done(self, name: str) -> dict[str, Any] | None:
        """What a stage has left in words, if it is complete."""
        path = self.stage(name) / DONE
        if not path.is_file():
            return None
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return facts

    def begin(self, name: str) -> Path:
        """The folder of a stage, empty."""
        folder = self.stage(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def finish(self, name: str, facts: dict[str, Any]) -> None:
        """Mark a stage as complete, after everything in it was written."""
        write_text(self.stage(name) / DONE, json.dumps(facts) + "\n")

    def remove(self, name: str) -> None:
        """Give back the disk space of a stage that is not needed any more; it counts as done."""
        for path in self.stage(name).iterdir():
            if path.suffix == ".bin":
                path.unlink()


@contextmanager
def opened(path: Path, made_from: dict[str, Any]) -> Iterator[WorkFolder]:
    """The work folder at `path`, new or that of an ended run of the same fit, locked.

    made_from: `parts`, a list, and whatever else decides what is in the folder. Raises `InputError`
    if the folder is of another fit, has other files, or is in use.
    """
    check_folder(path)
    wanted = json.loads(json.dumps(made_from | {"versions": _versions()}))
    manifest = path / MANIFEST
    if path.is_dir() and not manifest.exists() and _others(path):
        raise InputError(f"{path}: has other files; give a new folder for the work")
    path.mkdir(parents=True, exist_ok=True)
    with locked(path / LOCK, f"{path}: another fit works there; give another folder"):
        if manifest.exists():
            _refuse_other(path, json.loads(manifest.read_text("utf-8")), wanted)
        else:
            write_text(manifest, json.dumps(wanted, indent=1) + "\n")
        yield WorkFolder(path)


def _versions() -> dict[str, Any]:
    return {"format": _FORMAT} | {name: version(name) for name in _PACKAGES}


def _others(path: Path) -> bool:
    return any(not file.name.startswith(f".{MANIFEST}") and file.name != LOCK
               for file in path.iterdir())  # fmt: skip


def _refuse_other(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    remedy = f"give another folder, or remove {path} to begin again"
    if found == wanted:
        return
    if fault := _changed_part(found.get("parts", []), wanted["parts"]):
        raise InputError(f"{path}: was made from other parts: {fault}; {remedy}")
    keys = [key for key in wanted if found.get(key) != wanted[key]]
    what = " and ".join(_WORDS.get(key, key) for key in keys) or "something"
    raise InputError(f"{path}: is of another fit: {what} differs; {remedy}")


def _changed_part(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> str:
    """The first part that is missing, new or changed, in words."""
    before, now = ({part["name"]: part for part in parts} for parts in (found, wanted))
    for name in before:
        if name not in now:
            return f"{name} is missing now"
    for name, part in now.items():
        if name not in before:
            return f"{name} is new"
        if part != before[name]:
            return f"{name} has changed since"
    return "their order differs" if found != wanted else ""
