"""Runs one experiment: trains, logs, and saves an artifact."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ratecast import data
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.modelling.nets.net_model import NetModel
from ratecast.models.auto import Auto
from ratecast.progress import bar
from ratecast.ratings import Ratings
from ratecast.splits import Split, named, splits_of
from ratecast.training.experiment import ALL, Experiment
from ratecast.training.lazy_trainer import LazyTrainer
from ratecast.training.loggers import record, run_logger
from ratecast.training.runs import ARTIFACT, run_folder
from ratecast.training.saved_experiment import save_experiment
from ratecast.visible_text import counted
from ratecast.workers import Ray

if TYPE_CHECKING:
    from ratecast.workers.ray_pool import RayPool

# With more, which can be parted at random, only equal times are in the way.
_FEW = 3


@dataclass(frozen=True)
class Run:
    """A finished run.

    folder: curves and checkpoints. artifact: folder of the fitted model. figures: train/rmse and
    valid/rmse over all rows. parameters: number of weights of the net; 0 if none was trained.
    summary: what the model has chosen, one line each.
    The test part is never used.
    """

    folder: Path
    artifact: Path
    figures: dict[str, float]
    parameters: int
    summary: list[str]


def train(experiment: Experiment, split: Split | None = None, on: Ray | None = None) -> Run:
    """Train the experiment's model on its data, or on `split`.

    on: the cluster whose workers train its net, together; all its nodes must have the folder of the
    runs.

    Split `all` is for production: the chronological split determines the number of epochs and the
    calibration, then the model is fitted again on every rating. The figures are those of the fit on
    train.

    Raises `InputError` for unusable data or settings, for a loss that is not finite, and for a
    cluster that cannot be had as asked, or a model that it does not train.
    """
    with _workers(experiment, on) as workers:
        return _run(experiment, split_of(experiment) if split is None else split, workers)


def _run(experiment: Experiment, parts: Split, workers: "RayPool | None") -> Run:
    model = experiment.make()
    # Before there is a folder of the run.
    model.require_packages(len(parts.train))
    # Without the logger, whose address may have a password.
    plain = replace(experiment, logger=None).plain()
    counts = {f"{part}/ratings": len(rows) for part, rows in _fit_parts(parts).items()}
    with (
        run_logger(experiment.logger, plain, counts) as logger,
        run_folder(experiment, parts) as folder,
    ):
        if isinstance(model, NetModel):
            model.train_net = LazyTrainer(logger, folder, plain, workers)
        _fit(model, parts)
        figures = {f"{part}/rmse": rmse(model, rows) for part, rows in _fit_parts(parts).items()}
        if experiment.split == ALL:
            with bar(f"{model.name}: fit on every rating"):
                model.refit(joined(parts))
        artifact = folder / ARTIFACT
        model.save(artifact)
        save_experiment(artifact, experiment, figures)
        try:
            record(artifact, logger, model, plain, figures)
        except InputError as error:
            raise InputError(f"{error}; the model is saved in {artifact}") from None
    return Run(folder, artifact, figures, _parameters(model), model.summary())


def _fit(model: Model, parts: Split) -> None:
    """Fit it, and show how long that takes, and which model it tries, where it chooses one."""
    with bar(f"{model.name}: fit") as shown:
        if isinstance(model, Auto):
            model.on_try = lambda name: shown.change(label=f"auto: trying {name}")
        try:
            model.fit(parts.train, parts.valid)
        finally:
            if isinstance(model, Auto):
                model.on_try = None


@contextmanager
def _workers(experiment: Experiment, on: Ray | None) -> "Iterator[RayPool | None]":
    """Those of the cluster, if there is one. Raises `InputError`."""
    if on is None:
        yield None
        return
    from ratecast.workers.ray_cluster import require_on_each_node, require_ray_train
    from ratecast.workers.ray_pool import ray_pool

    threads = _require_net(experiment.make())
    require_ray_train()
    with ray_pool(on, threads, [experiment.out / experiment.experiment]) as workers:
        if on.address is not None:
            require_on_each_node(require_ray_train)
        yield workers


def _require_net(model: Model) -> int:
    """Threads of each worker. Raises `InputError` for a model whose fit trains no net by epochs."""
    if not isinstance(model, NetModel) or getattr(model, "solver", "lightning") != "lightning":
        raise InputError(
            f"train: --on ray trains nets, and {model.name} has none here; choose neumf, "
            "attention, mf, or mf_bias with --model.solver lightning; give --out-of-core WORK for "
            "als and mf_bias; or leave --on ray out"
        )
    if model.trainer.accelerator not in ("auto", "cpu"):
        raise InputError(
            f"train: workers of --on ray train on the CPU, not on {model.trainer.accelerator}; "
            "leave --trainer.accelerator out"
        )
    return model.trainer.threads


def split_of(experiment: Experiment) -> Split:
    """The split of the experiment's data."""
    if experiment.split != ALL:
        return splits_of(experiment.split, partial(_table, experiment), experiment.seed)[0]
    ratings = _table(experiment)
    try:
        return named(ratings, "auto", experiment.seed)[0]
    except InputError:
        count = counted(len(ratings), "rating")
        instead = ", or leave the times out by --no-time" if ratings.timed else ""
        raise InputError(
            f"{experiment.data}: {count} cannot be divided; a model for production is first "
            "validated on the last of them, to choose its epochs and calibrate it; give more "
            f"ratings{instead if len(ratings) > _FEW else ''}"
        ) from None


def _table(experiment: Experiment) -> Ratings:
    return data.load_table(experiment.data, experiment.table)


def joined(split: Split) -> Ratings:
    """Every rating of the split, in time order."""
    first, *others = split.parts.values()
    return reduce(Ratings.with_more, others, first)


def rmse(model: Model, rows: Ratings) -> float:
    """Root mean squared error over all rows, in stars."""
    if not len(rows):
        raise InputError("rmse: no ratings")
    errors = model.predict(rows.requests()).stars - rows.stars
    return float(np.sqrt(np.mean(np.square(errors))))


def _fit_parts(split: Split) -> dict[str, Ratings]:
    parts = {"train": split.train, "valid": split.valid}
    return {name: part for name, part in parts.items() if part is not None}


def _parameters(model: Model) -> int:
    net = getattr(model, "net", None)
    return 0 if net is None else sum(x.numel() for x in net.parameters())
