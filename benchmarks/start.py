"""Seconds of a program that loads a fitted model and makes one forecast, and what they go to.

In an environment of the core alone, with the pins of requirements/core.txt; every program runs in a
process of its own, with its loops compiled before.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from statistics import median

import ratecast as rc
from benchmarks.environment import ROOT
from benchmarks.process import environment_of
from benchmarks.records import Record, Step, measured_at
from ratecast import data

MODELS = ("bias", "als", "state_space")
TURNS = 7
IMPORTS = "numpy, polars, numba: their imports"
OURS = "import ratecast"
FORECAST = """
import sys
import ratecast
model = ratecast.load_model(sys.argv[1])
assert len(model.predict([1], [1]).stars) == 1
"""
PROGRAMS = {IMPORTS: "import numpy, polars, numba", OURS: "import ratecast"}


def steps() -> Iterator[Step]:
    """The packages, ratecast, then each model."""
    for name in (*PROGRAMS, *MODELS):
        yield name, partial(_started, name)


def _started(name: str) -> Record:
    with tempfile.TemporaryDirectory() as folder:
        words = [
            str(_core() / "bin" / "python"),
            "-c",
            PROGRAMS.get(name, FORECAST),
            _saved(name, folder),
        ]
        pairs = [_once(words) for _ in range(1 + TURNS)][1:]
    processor, whole = (median(figures) for figures in zip(*pairs, strict=True))
    megabytes = sum(path.lstat().st_size for path in _core().rglob("*") if path.is_file()) / 1e6
    return {"program": name, "processor": processor, "whole": whole, "core_mb": megabytes}


def _saved(name: str, folder: str) -> str:
    """The folder, with a fitted model of that name."""
    if name in MODELS:
        rc.make_model(name).fit(rc.load("ml-100k")).save(Path(folder))
    return folder


def _once(words: list[str]) -> tuple[float, float]:
    """Seconds of the processor, and of the clock."""
    environment = environment_of(1)
    # The package that is installed there, and no other.
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    before, start = _processor_seconds(), time.perf_counter()
    subprocess.run(words, cwd=ROOT / "docs", env=environment, check=True)
    whole = time.perf_counter() - start
    return _processor_seconds() - before, whole


def _processor_seconds() -> float:
    """Of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@cache
def _core() -> Path:
    """The environment of the core alone, made anew."""
    place = data.home() / "bench" / "core"
    uv = str(Path(sys.executable).with_name("uv"))
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(place)]
    for words in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)],
        [*install, "--require-hashes", "--requirement", str(ROOT / "requirements" / "core.txt")],
        [*install, "--no-deps", str(ROOT)],
    ):
        subprocess.run(words, check=True)
    return place


def start_table(section: Record) -> str:
    """Seconds by program."""
    rows = section["rows"]
    about = f"{measured_at(section)} The environment has {rows[0]['core_mb']:.0f} MB."
    lines = [about, "", "| program | seconds of the processor | seconds |", "| --- | ---: | ---: |"]
    lines += [f"| {r['program']} | {r['processor']:.2f} | {r['whole']:.2f} |" for r in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps([work() for _, work in steps()], indent=1))
