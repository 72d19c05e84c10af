"""The same experiment with several embedding sizes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from ratecast.splits import Split
from ratecast.training.experiment import Experiment
from ratecast.training.overfit import model_with_net
from ratecast.training.train import Run, split_of, train

FACTORS = (64, 128, 256)
HEADER = ["factors", "parameters", "train RMSE", "valid RMSE", "seconds", "run"]


@dataclass(frozen=True)
class SweepRow:
    """One embedding size: its run, the number of weights of its net, and the seconds."""

    factors: int
    parameters: int
    seconds: float
    run: Run

    def cells(self) -> list[str]:
        """The cells of a table row, under `HEADER`."""
        figures = [self.run.figures.get(f"{part}/rmse") for part in ("train", "valid")]
        return [
            f"{self.factors}",
            f"{self.parameters:,}" if self.parameters else "",
            *("" if figure is None else f"{figure:.4f}" for figure in figures),
            f"{self.seconds:.1f}",
            str(self.run.folder),
        ]


def sweep(
    experiment: Experiment,
    factors: Sequence[int] = FACTORS,
    split: Split | None = None,
    on_row: Callable[[SweepRow], None] | None = None,
) -> list[SweepRow]:
    """Train once for each number of factors. on_row: called with each row when it is ready.

    The runs are version_0, version_1, ... of the experiment `sweep_<its name>`, with their
    settings and final figures in TensorBoard's table of hyperparameters.
    """
    model_with_net(experiment)
    parts = split_of(experiment) if split is None else split
    named = replace(experiment, experiment=f"sweep_{experiment.experiment}")
    rows = []
    for size in factors:
        rows.append(_row(named.changed(factors=size), size, parts))
        if on_row is not None:
            on_row(rows[-1])
    return rows


def _row(experiment: Experiment, size: int, parts: Split) -> SweepRow:
    start = perf_counter()
    run = train(experiment, parts)
    return SweepRow(size, run.parameters, perf_counter() - start, run)
