"""The time of a fit by stage: training, and what ratecast does in addition to its peers.

python -m benchmarks.stages ROWS
"""

import cProfile
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import CodeType

from benchmarks.environment import ROOT
from benchmarks.peers import METHODS, Settings, ours
from benchmarks.process import environment_of
from benchmarks.records import Record, Step
from benchmarks.speed import LIGHTNING, WARMING, chosen
from benchmarks.tables import grown

SIZES = (1_000_000, 25_000_000)
# Function of a file, and what its time is spent on; none calls another.
STAGES = {
    ("stratified_sgd.py", "run_epoch"): "learning",
    ("conjugate_gradients.py", "solve_rows"): "learning",
    ("residual_sums.py", "residual_sums"): "learning",
    ("posterior_covariance.py", "posterior_covariance"): "posterior covariance",
    ("model.py", "_calibrate"): "star probabilities",
    ("fold_in.py", "predict_scores"): "star probabilities",
    ("row_numbers.py", "begin_fit"): "numbering, fingerprint",
    ("csr.py", "_moved"): "sorting",
}


def steps(sizes: tuple[int, ...] = SIZES) -> Iterator[Step]:
    """Each method of ratecast that was measured for speed."""
    for rows in sizes:
        grown(rows)
        for method in METHODS:
            if not method.package and method.name != LIGHTNING:
                yield f"{method.name}, {rows}", partial(_alone, method.name, rows)


def _alone(name: str, rows: int) -> Record:
    words = [sys.executable, "-m", "benchmarks.stages", name, str(rows)]
    ran = subprocess.run(
        words, cwd=ROOT, env=environment_of(2), check=True, capture_output=True, text=True
    )
    return {"method": name, "ratings": rows, "seconds_of": json.loads(ran.stdout)}


def main(name: str, rows: int) -> None:
    """Print the seconds of each stage."""
    (settings,) = (m.settings | chosen(rows).get(name, {}) for m in METHODS if m.name == name)
    ours.fit(ours.load(grown(WARMING)["train"]), settings)
    print(json.dumps(_stages(grown(rows)["train"], settings)))


def _stages(train: Path, settings: Settings) -> dict[str, float]:
    table = ours.load(train)
    watch = cProfile.Profile()
    start = time.perf_counter()
    watch.runcall(ours.fit, table, settings)
    whole = time.perf_counter() - start
    seconds = dict.fromkeys(STAGES.values(), 0.0)
    for entry in watch.getstats():
        if isinstance(entry.code, CodeType):
            place = Path(entry.code.co_filename).name, entry.code.co_name
            if stage := STAGES.get(place):
                seconds[stage] += entry.totaltime
    return {"whole": whole} | seconds | {"the rest": whole - sum(seconds.values())}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
