"""RMSE of nets on validation: trained by the command alone, and by the workers of a Ray cluster.

Every fit is `ratecast train` with its own settings, on ml-100k, in a process of its own.
"""

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import mean, stdev

import ratecast as rc
from benchmarks.environment import ROOT
from benchmarks.process import environment_of
from benchmarks.records import Record, Step, where
from ratecast.training import make_model
from ratecast.training.experiment import Experiment
from ratecast.training.train import train

NETS = ("neumf", "attention", "mf")
ALONE = "the command alone"
PLACES: dict[str, rc.Ray | None] = {
    ALONE: None,
    "one worker": rc.Ray(workers=1),
    "two workers": rc.Ray(workers=2),
}
# Seeds of the command alone, whose spread is the measure, and of the workers.
SEEDS, SEEDS_OF_WORKERS = range(5), range(3)


def steps() -> list[Step]:
    """Every net at every place, with each seed."""
    return [
        (f"{net}, {place}, seed {seed}", partial(_process, net, place, seed))
        for net in NETS
        for place, on in PLACES.items()
        for seed in (SEEDS if on is None else SEEDS_OF_WORKERS)
    ]


def _process(net: str, place: str, seed: int) -> Record:
    words = [sys.executable, "-m", "benchmarks.nets_on_cluster", net, place, str(seed)]
    ran = subprocess.run(
        words, cwd=ROOT, env=environment_of(1), check=True, stdout=subprocess.PIPE, text=True
    )
    found: Record = json.loads(ran.stdout.splitlines()[-1])
    return {"net": net, "place": place, "seed": seed} | found


def fitted(net: str, place: str, seed: int) -> Record:
    """RMSE on validation of a fit."""
    with tempfile.TemporaryDirectory() as home:
        experiment = Experiment.of(make_model(net, seed=seed), out=Path(home))
        run = train(experiment, on=PLACES[place])
    return {"rmse": {"valid": run.figures["valid/rmse"]}}


def nets_table(section: Record) -> str:
    """The spread of the seeds of the command alone, and the mean of the workers beside it."""
    rows = [f"{where(section)}.", ""]
    rows += ["| net | trained by | seeds | mean RMSE | ± seeds | least | most |"]
    rows += ["| --- | --- |" + " ---: |" * 5]
    outside = []
    for net in NETS:
        alone = _figures(section, net, ALONE)
        for place in PLACES:
            found = _figures(section, net, place)
            figures = mean(found), stdev(found), min(found), max(found)
            cells = [net, place, str(len(found)), *(f"{value:.4f}" for value in figures)]
            rows.append(f"| {' | '.join(cells)} |")
            if not min(alone) <= mean(found) <= max(alone):
                outside.append(f"{net} by {place}")
    verdict = "Each mean of workers is within the range of the command alone."
    if outside:
        verdict = f"**Outside the range of the command alone**: {', '.join(outside)}."
    return "\n".join([*rows, "", verdict])


def _figures(section: Record, net: str, place: str) -> list[float]:
    rows = [row for row in section["rows"] if (row["net"], row["place"]) == (net, place)]
    return [row["rmse"]["valid"] for row in rows]


if __name__ == "__main__":
    print(json.dumps(fitted(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
