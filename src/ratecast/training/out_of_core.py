"""Runs one experiment on a table in Parquet parts that need not fit into memory."""

from pathlib import Path

import numpy as np

from ratecast.errors import InputError
from ratecast.modelling.factors.pair_scores import expected_stars
from ratecast.out_of_core.fit import VALID_SHARE, fit_and_hold_out
from ratecast.out_of_core.solvers import solver_of
from ratecast.training.experiment import Experiment
from ratecast.training.runs import ARTIFACT, run_folder
from ratecast.training.saved_experiment import save_experiment
from ratecast.training.train import Run
from ratecast.workers import Ray


def train(
    experiment: Experiment, work: Path, valid: str | None = None, on: Ray | None = None
) -> Run:
    """Fit the experiment's model out of core, and save it as a run.

    work: folder for the work; a killed run goes on there. valid: a share of the rows, or a file of
    rows; the figure is the RMSE on them. on: the cluster that fits it. Raises `InputError`.
    """
    _refuse(experiment)
    model = experiment.make()
    solver_of(model, on)
    held = fit_and_hold_out(
        model, experiment.data, work, valid=_share(valid), options=experiment.table, on=on
    ).valid
    errors = expected_stars(model, held.requests()) - held.stars
    figures = {"valid/rmse": float(np.sqrt(np.mean(np.square(errors))))}
    with run_folder(experiment, model.learned_from) as folder:
        artifact = folder / ARTIFACT
        model.save(artifact)
        save_experiment(artifact, experiment)
    return Run(folder, artifact, figures, 0, model.summary())


def _refuse(experiment: Experiment) -> None:
    """Raise `InputError` for a field without an effect here."""
    for name, default in (("split", Experiment.split), ("logger", None), ("resume", "auto")):
        if getattr(experiment, name) != default:
            raise InputError(f"train: --{name} has no effect with --out-of-core; leave it out")


def _share(valid: str | None) -> float | str:
    """A number as a share, anything else as a file."""
    if valid is None:
        return VALID_SHARE
    try:
        return float(valid)
    except ValueError:
        return valid
