"""One measurement is one process: under `/usr/bin/time -v`, with limits of time and memory."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.environment import PYTHON, ROOT
from benchmarks.peers import Settings

TIME = Path("/usr/bin/time")
OURS = ("ours", "epochs")
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA")
# Left to the rest of the machine.
SPARE_GB = 2.0
_POLL = 0.25


@dataclass(frozen=True)
class Asked:
    """What one process does. ours: in ratecast's own environment instead of the peers'."""

    module: str
    jobs: list[dict[str, Any]]
    threads: int = 2
    limit_seconds: float = 600.0

    @property
    def ours(self) -> bool:
        """Whether it is ratecast itself."""
        return self.module in OURS


def job(train: Path, parts: dict[str, Path], settings: Settings) -> dict[str, Any]:
    """A fit on train, and the parts to be asked."""
    asked = {name: str(path) for name, path in parts.items()}
    return {"train": str(train), "parts": asked, "settings": settings}


def measured(asked: Asked) -> dict[str, Any]:
    """What the process wrote (`done`), and whole-process figures; or how it `failed`."""
    with tempfile.TemporaryDirectory() as place:
        request, answer, log = (Path(place) / name for name in ("request", "answer", "log"))
        facts = {"module": asked.module, "jobs": asked.jobs}
        request.write_text(json.dumps(facts), "utf-8")
        python = sys.executable if asked.ours else str(PYTHON)
        words = [python, "-m", "benchmarks.peers.run", str(request), str(answer)]
        whole, failed = _run(words, asked, log)
        said = log.read_text("utf-8", errors="replace")
        if failed or not answer.exists():
            return {"failed": failed or _reason(said), "whole": whole}
        return {"done": json.loads(answer.read_text("utf-8")), "whole": whole | _told(said)}


def _run(words: list[str], asked: Asked, log: Path) -> tuple[dict[str, Any], str]:
    """Wall-clock seconds and peak of the whole process; why it was ended, if it was."""
    watched = [str(TIME), "-v", *words] if TIME.exists() else words
    start = time.perf_counter()
    with log.open("w", encoding="utf-8") as out:
        running = subprocess.Popen(
            watched, cwd=ROOT, env=environment_of(asked.threads), stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
        try:
            peak, ended = _watched(running, asked.limit_seconds)
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_gb": peak, "by": "samples"}, ended


def _watched(running: subprocess.Popen[bytes], limit: float) -> tuple[float, str]:
    """Wait for the end, or for a reason to end it; the peak is sampled where nothing tells it.

    Looking for children takes time that the process would be slower by.
    """
    start, peak = time.perf_counter(), 0.0
    while True:
        with suppress(subprocess.TimeoutExpired):
            running.wait(_POLL)
            return peak, ""
        if not TIME.exists():
            peak = max(peak, _gigabytes(running.pid))
        if time.perf_counter() - start > limit:
            return peak, f"> {limit:.0f} s"
        if psutil.virtual_memory().available < SPARE_GB * 1e9:
            return peak, f"out of memory, at {_gigabytes(running.pid):.1f} GB"


def environment_of(threads: int) -> dict[str, str]:
    """So many threads for every library that counts them by itself."""
    counts = {f"{name}_NUM_THREADS": str(threads) for name in THREADS}
    lenskit = {"LK_NUM_THREADS": str(threads), "LK_NUM_PROCS": "1"}
    polars = {"POLARS_MAX_THREADS": str(threads)}
    path = {"PYTHONPATH": os.pathsep.join([str(ROOT), *_paths()])}
    return os.environ | counts | lenskit | polars | path | {"PYTHONWARNINGS": "ignore"}


def _paths() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _gigabytes(pid: int) -> float:
    """Resident memory of a process and its children."""
    try:
        first = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (first, *first.children(recursive=True))) / 1e9
    except psutil.Error:
        return 0.0


def _told(log: str) -> dict[str, Any]:
    """The figures of `time -v`; nothing where there is no such program."""
    peak = re.search(r"Maximum resident set size \(kbytes\): (\d+)", log)
    user = re.search(r"User time \(seconds\): ([\d.]+)", log)
    if peak is None or user is None:
        return {}
    return {
        "peak_gb": int(peak[1]) * 1024 / 1e9,
        "processor_seconds": float(user[1]),
        "by": "/usr/bin/time -v",
    }


def _reason(log: str) -> str:
    """The last line that a failed process said."""
    lines = log.partition("\tCommand being timed")[0].strip().splitlines()
    said = [line for line in lines if line.strip() and "exited with non-zero" not in line]
    return (said or ["failed without a word"])[-1][:200]
