"""How quickly 20 million forecasts are scored: writes benchmarks/brought.json, and docs/scale.md.

    python -m benchmarks.brought [--rows N] [--render]

N ratings are grown from ml-100k; a model is fitted on their first fifth, and its forecasts of the
rest, valid and test, are written to Parquet with the probability of each star. What is measured is
a whole process that reads both files and scores them: slices, ranking, intervals over users.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import records
from benchmarks.marks import with_section
from benchmarks.records import measured_at
from ratecast.atomic_write import write_text

ROOT = Path(__file__).parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "brought.json", ROOT / "docs" / "scale.md"
MARKS = "<!-- figures: written by `python -m benchmarks.brought` -->", "<!-- /brought -->"
ROWS, RUNS = 25_000_000, 3
SPLIT = "chronological:shares=20/10/70"


def main() -> None:
    """Measure, write, render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="ratings to grow")
    parser.add_argument("--render", action="store_true", help="only write the page anew")
    given = parser.parse_args()
    if not given.render:
        with tempfile.TemporaryDirectory() as folder:
            facts = measure(Path(folder), given.rows)
        write_text(RESULTS, json.dumps(facts, indent=1) + "\n")
    results = json.loads(RESULTS.read_text("utf-8"))
    write_text(PAGE, with_section(PAGE.read_text("utf-8"), MARKS, section(results)))


def measure(folder: Path, rows: int) -> dict[str, Any]:
    """The median of several runs, and the scores that came out."""
    machine = records.machine()
    grown, forecasts, scores = (folder / name for name in ("grown", "f.parquet", "scores.json"))
    table = ["--data", str(grown), "--split", SPLIT]
    _run("data", "expand", "ml-100k", "--ratings", str(rows), "--out", str(grown))
    _run("evaluate", "--model", "bias", *table, "--save-forecasts", str(forecasts))
    scoring = ["evaluate", "--forecasts", str(forecasts), *table, "--out", str(scores)]
    runs = sorted(_run(*scoring) for _ in range(RUNS))
    rows_of_all = [
        row for row in json.loads(scores.read_text("utf-8"))["rows"] if row["slice"] == "all"
    ]
    seconds, gigabytes = runs[RUNS // 2]
    return {
        "machine": machine,
        "ratings": rows,
        "forecasts": sum(row["n"] for row in rows_of_all),
        "users": max(row["users"] for row in rows_of_all),
        "file_gb": forecasts.stat().st_size / 1e9,
        "seconds": round(seconds, 1),
        "peak_gb": round(gigabytes, 2),
    }


def _run(*command: str) -> tuple[float, float]:
    """Seconds and peak memory, in GB, of a command of ratecast."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "ratecast.cli", *command])
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} ended with {status}")
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - start, used.ru_maxrss * unit / 1e9


def section(results: dict[str, Any]) -> str:
    """The figures for the page."""
    return (
        f"{measured_at(results)} {results['forecasts']:,} forecasts of {results['users']:,} users, "
        "with the probability of each star, are scored in "
        f"**{results['seconds']:.0f} seconds and {results['peak_gb']:.1f} GB**: the whole process, "
        f"which reads {results['ratings']:,} ratings and the Parquet file, and ends with every "
        "slice, the ranking of each user's rows, and intervals over 1,000 draws of the users."
    )


if __name__ == "__main__":
    main()
