"""The environment of the peers: .venv-bench, one package after the other.

    python -m benchmarks.environment

A peer that cannot be installed is noted with its reason, and named in the tables; the others are
measured all the same. Versions are those of benchmarks/peers.txt and constraints.txt.
"""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.peers import ACCURATE, METHODS, WALKED, on_tables
from ratecast.atomic_write import write_text

ROOT = Path(__file__).parent.parent
PINS = ROOT / "benchmarks" / "peers.txt"
FOLDER = ROOT / ".venv-bench"
PYTHON = FOLDER / "bin" / "python"
# What every peer's process reads its tables with.
READER = ("polars", "pandas", "pyarrow")
# What a package imports but does not require.
UNSAID = {"myfm": ("setuptools",)}


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


def make(folder: Path = FOLDER) -> None:
    """Install reader and peers; one after the other, so that a failure stays alone."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    if reason := _install(folder, *READER):
        raise SystemExit(f"{folder.name}: {', '.join(READER)} cannot be installed: {reason}")
    failed: dict[str, str] = {}
    for package in packages():
        print(f"{folder.name}: {package}", flush=True)
        if reason := _install(folder, package, *UNSAID.get(package, ())):
            failed[package] = reason
            print(f"{package}: {reason}; remove {folder.name} to try again", flush=True)
    write_text(folder / "missing.json", json.dumps(failed, indent=1) + "\n")
    write_text(folder / "pins.txt", PINS.read_text("utf-8"))


def _install(folder: Path, *packages: str) -> str:
    """Why it failed; empty where it did not."""
    pins = folder / "constraints.txt"
    if not pins.exists():
        write_text(pins, constraints())
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    ran = subprocess.run(
        [*pip, "--constraint", str(pins), *packages], check=False, capture_output=True, text=True
    )
    errors = [line.strip() for line in ran.stderr.splitlines() if "error" in line.lower()]
    return "" if ran.returncode == 0 else (errors or ["pip failed"])[-1][:200]


def constraints() -> str:
    """Those of the project, but for what the peers pin otherwise."""
    pins = PINS.read_text("utf-8")
    named = {line.partition("==")[0] for line in pins.splitlines()}
    ours = (ROOT / "constraints.txt").read_text("utf-8").splitlines(keepends=True)
    return "".join(line for line in ours if line.partition("==")[0] not in named) + pins


if __name__ == "__main__":
    if not ready():
        make()
