"""A billion ratings on one machine: `mf_bias` out of core, beside a tenth of them in memory.

python -m benchmarks.billion ROWS     the same at another size, printed and not saved
"""

import cProfile
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

import ratecast as rc
from benchmarks.environment import ROOT
from benchmarks.loading import peak
from benchmarks.process import environment_of
from benchmarks.records import Record, Step
from ratecast import data
from ratecast.data import canonical
from ratecast.data.expand import expand
from ratecast.models.mf_bias.sgd_epochs import DescentSettings

ROWS, FACTORS, EPOCHS, HELD, SEED = 1_000_000_000, 32, 10, 200_000, 0
IN_MEMORY, ON_DISK = "in memory", "out of core"
# Function of a file, and what its time is spent on; none of them calls another.
STAGES = {
    ("stratified_sgd.py", "run_epoch"): "epochs",
    ("descent.py", "_run_epoch"): "epochs",
    ("checkpoint.py", "save"): "checkpoints",
    ("table.py", "row_table"): "reading and numbering",
    ("row_numbers.py", "begin_fit"): "reading and numbering",
    ("grouping.py", "grouped"): "sorting",
    ("strata.py", "strata"): "sorting",
    ("csr.py", "of"): "sorting",
    ("stratified_sgd.py", "of"): "sorting",
    ("covariance.py", "with_covariance"): "covariances",
    ("bilinear.py", "with_covariance"): "covariances",
    ("fit.py", "_given"): "pairs that were rated",
    ("model.py", "_calibrate"): "star probabilities",
}


def steps(rows: int = ROWS) -> list[Step]:
    """A tenth of the rows in memory, then all of them out of core."""
    return [
        (f"{how}, {count}", partial(_alone, how, count))
        for how, count in ((IN_MEMORY, rows // 10), (ON_DISK, rows))
    ]


def grown(rows: int) -> Path:
    """The grown table, made once."""
    folder = data.home() / "bench" / f"parts-{rows}"
    if not canonical.is_complete(folder):
        source = data.load("ml-100k", notify=lambda _: None)
        expand(source, rows, folder, name="ml-100k", notify=lambda _: None)
    return folder


def _alone(how: str, rows: int) -> Record:
    words = [sys.executable, "-m", "benchmarks.billion", how, str(grown(rows)), str(rows)]
    ran = subprocess.run(
        words, cwd=ROOT, env=environment_of(2), check=True, capture_output=True, text=True
    )
    found: Record = json.loads(ran.stdout)
    return {"how": how, "ratings": rows} | found


def measured(how: str, folder: Path, rows: int) -> Record:
    """Seconds by stage, the most memory, and the RMSE on rows held out: the same rows each time."""
    model = rc.BiasedMatrixFactorization(
        factors=FACTORS, solver="kernel", descent=DescentSettings(epochs=EPOCHS), seed=SEED
    )
    share = min(HELD / rows, 0.1)
    fit = partial(_in_memory if how == IN_MEMORY else _on_disk, model, folder, share)
    _compile()
    watch, start = cProfile.Profile(), time.perf_counter()
    rmse = watch.runcall(fit)
    whole, seconds = time.perf_counter() - start, dict.fromkeys(STAGES.values(), 0.0)
    for entry in watch.getstats():
        if isinstance(entry.code, CodeType):
            place = Path(entry.code.co_filename).name, entry.code.co_name
            if place in STAGES:
                seconds[STAGES[place]] += entry.totaltime
    seconds["the rest"] = whole - sum(seconds.values())
    return {"seconds": {"whole": whole} | seconds, "peak_gb": peak(), "rmse": {"valid": rmse}}


def _in_memory(model: rc.Model, folder: Path, share: float) -> float:
    table = rc.load(folder)
    held = np.random.default_rng(SEED).random(len(table)) < share
    train, valid = table.take(~held), table.take(held)
    del table
    return _rmse(model.fit(train, valid), valid)


def _on_disk(model: rc.Model, folder: Path, share: float) -> float:
    from ratecast.out_of_core.fit import fit_and_hold_out
    from ratecast.table_options import DEFAULT

    with tempfile.TemporaryDirectory(dir=data.home()) as home:
        fitted = fit_and_hold_out(model, folder, Path(home) / "work", valid=share, options=DEFAULT)
    return _rmse(fitted.model, fitted.valid)


def _rmse(model: rc.Model, valid: rc.Ratings) -> float:
    errors = model.predict(valid.requests()).stars - valid.stars
    return float(np.sqrt(np.mean(np.square(errors))))


def _compile() -> None:
    """Both ways once on a small table, so that no kernel is compiled in what is measured."""
    small: Callable[[], Any] = partial(
        rc.BiasedMatrixFactorization, factors=FACTORS, solver="kernel"
    )
    table = rc.example_ratings()
    small().fit(table, table)
    with tempfile.TemporaryDirectory() as home:
        table.frame.write_parquet(f"{home}/table.parquet")
        rc.fit_out_of_core(
            small(), [f"{home}/table.parquet"], f"{home}/work", valid=0.1, notify=lambda _: None
        )


if __name__ == "__main__":
    if len(sys.argv) == 2:
        for key, step in steps(int(float(sys.argv[1]))):
            print(key, json.dumps(step(), indent=1))
    else:
        print(json.dumps(measured(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
