"""Runs one measurement as a process under `/usr/bin/time -v`, with limits of time and memory."""

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
# Memory that must stay free for the rest of the machine.
SPARE_GB = 2.0
_POLL = 0.25


@dataclass(frozen=True)
class ProcessTask:
    """A process that runs jobs with `module`, with limits of threads and seconds."""

    module: str
    jobs: list[dict[str, Any]]
    threads: int = 2
    limit_seconds: float = 600.0

    @property
    def ours(self) -> bool:
        """Whether it runs ratecast, in ratecast's own environment."""
        return self.module in OURS


def job(
    train: Path,
    parts: dict[str, Path],
    settings: Settings,
    scale: tuple[float, float] = (1.0, 5.0),
) -> dict[str, Any]:
    """A job: a fit on `train`, and predictions for each of `parts`, clipped to `scale`."""
    paths = {name: str(path) for name, path in parts.items()}
    return {"train": str(train), "parts": paths, "settings": settings, "scale": scale}


def measured(task: ProcessTask) -> dict[str, Any]:
    """The results (`done`) and the figures of the whole process, or the reason why it `failed`."""
    with tempfile.TemporaryDirectory() as folder:
        request, result, log = (Path(folder) / name for name in ("request", "result", "log"))
        facts = {"module": task.module, "jobs": task.jobs}
        request.write_text(json.dumps(facts), "utf-8")
        python = sys.executable if task.ours else str(PYTHON)
        command = [python, "-m", "benchmarks.peers.run", str(request), str(result)]
        whole, failed = _run(command, task, log)
        text = log.read_text("utf-8", errors="replace")
        if failed or not result.exists():
            return {"failed": failed or _reason(text), "whole": whole}
        return {"done": json.loads(result.read_text("utf-8")), "whole": whole | _time_figures(text)}


def _run(command: list[str], task: ProcessTask, log: Path) -> tuple[dict[str, Any], str]:
    """Seconds and peak memory of the whole process, and the reason if it was stopped, or ''."""
    watched = [str(TIME), "-v", *command] if TIME.exists() else command
    start = time.perf_counter()
    with log.open("w", encoding="utf-8") as out:
        running = subprocess.Popen(
            watched, cwd=ROOT, env=environment_of(task.threads), stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
        try:
            peak, ended = _watched(running, task.limit_seconds)
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_gb": peak, "by": "samples"}, ended


def _watched(running: subprocess.Popen[bytes], limit: float) -> tuple[float, str]:
    """Wait for the end, or until a limit is exceeded; the peak is sampled only without `time -v`.

    Sampling the memory of child processes would slow the process down.
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
    """The environment, with this number of threads for every numeric library."""
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


def _time_figures(log: str) -> dict[str, Any]:
    """The figures of `time -v`; empty without that program."""
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
    """The last line of a failed process's output."""
    lines = log.partition("\tCommand being timed")[0].strip().splitlines()
    output = [line for line in lines if line.strip() and "exited with non-zero" not in line]
    return (output or ["failed without output"])[-1][:200]
