"""The environment of the peers: .venv-bench, one package after the other.

    python -m benchmarks.environment

It is made with the newest Python, which every peer takes: some give their newest release to no
older one. A peer that cannot be installed is noted with its reason, and named in the tables; the
others are measured all the same. Versions are those of benchmarks/peers.txt.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.peers import ACCURATE, METHODS, WALKED, on_tables
from ratecast.atomic_write import write_text
from ratecast.errors import InputError

ROOT = Path(__file__).parent.parent
PINS = ROOT / "benchmarks" / "peers.txt"
FOLDER = ROOT / ".venv-bench"
PYTHON = FOLDER / "bin" / "python"
# The release of Python that the pins are for, and the variable that names an interpreter of it.
RELEASE, VARIABLE = "3.13", "BENCH_PYTHON"
# What every peer's process reads its tables with.
READER = ("polars", "pandas", "pyarrow")


def missing(folder: Path = FOLDER) -> dict[str, str]:
    """Package and reason of each peer that could not be installed."""
    reasons: dict[str, str] = json.loads((folder / "missing.json").read_text("utf-8"))
    return reasons


def ready(folder: Path = FOLDER) -> bool:
    """Whether the environment is there, made from the pins as they are now."""
    mark = folder / "pins.txt"
    return mark.exists() and mark.read_text("utf-8") == PINS.read_text("utf-8")


def versions() -> dict[str, str]:
    """The pinned version of each peer."""
    pins = [line.split("==") for line in PINS.read_text("utf-8").splitlines() if "==" in line]
    return {name: version for name, version in pins if name in packages()}


def packages() -> list[str]:
    """What is installed for some method."""
    every = {method.package for method in (*METHODS, *ACCURATE, *WALKED)}
    every |= {method.package for method in (*on_tables.FITTED, *on_tables.WALKED)}
    return sorted(every - {""})


def interpreter() -> str:
    """A Python of the release that the pins are for. Raises `InputError` where there is none."""
    for python in _candidates():
        asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        ran = subprocess.run(asked, check=False, capture_output=True, text=True)
        if ran.stdout.strip() == RELEASE:
            return python
    raise InputError(
        f"the peers need Python {RELEASE}, and none is on the path: install it, or name its "
        f"interpreter in the variable {VARIABLE}"
    )


def _candidates() -> Iterator[str]:
    if named := os.environ.get(VARIABLE):
        if not shutil.which(named):
            raise InputError(f"{VARIABLE}: {named} cannot be run; name an interpreter there")
        yield named
    yield sys.executable
    if on_path := shutil.which(f"python{RELEASE}"):
        yield on_path
    # pyenv does not put a release on the path that is not chosen.
    yield from map(str, Path.home().glob(f".pyenv/versions/{RELEASE}.*/bin/python"))


def make(folder: Path = FOLDER) -> None:
    """Install reader and peers; one after the other, so that a failure stays alone."""
    subprocess.run([interpreter(), "-m", "venv", "--clear", str(folder)], check=True)
    if reason := _install(folder, *READER):
        raise SystemExit(f"{folder.name}: {', '.join(READER)} cannot be installed: {reason}")
    failed: dict[str, str] = {}
    for package in packages():
        print(f"{folder.name}: {package}", flush=True)
        if reason := _install(folder, package):
            failed[package] = reason
            print(f"{package}: {reason}; remove {folder.name} to try again", flush=True)
    write_text(folder / "missing.json", json.dumps(failed, indent=1) + "\n")
    write_text(folder / "pins.txt", PINS.read_text("utf-8"))


def _install(folder: Path, *packages: str) -> str:
    """Why it failed; empty where it did not."""
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    ran = subprocess.run(
        [*pip, "--constraint", str(PINS), *packages], check=False, capture_output=True, text=True
    )
    errors = [line.strip() for line in ran.stderr.splitlines() if "error" in line.lower()]
    return "" if ran.returncode == 0 else (errors or ["pip failed"])[-1][:200]


if __name__ == "__main__":
    try:
        if not ready():
            make()
    except InputError as error:
        raise SystemExit(f"environment: {error}") from None
