"""One net, one task, one Lightning Trainer: with logs and checkpoints, or without a trace."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger

from ratecast.modelling.nets.base import RatingNet, flush_denormals, torch_threads
from ratecast.modelling.nets.net_model import TrainingTask
from ratecast.training.best_epoch import WATCHED, BestEpoch, StopEarly
from ratecast.training.datamodule import TaskData
from ratecast.training.epoch_bar import EpochBar
from ratecast.training.module import NetModule

LAST = "last.ckpt"
NEEDLESS = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    r"Checkpoint directory .* exists and is not empty",
)


@dataclass
class LightningTrainer:
    """The `TrainNet` of this room.

    logger: where the curves go; None: nothing is printed, as inside an evaluation. folder: of the
    run, which keeps the best epoch and the last one under `checkpoints/<stage>`; a task whose
    last epoch is there goes on from it. None: no checkpoint is written.
    figures: losses and RMSE of the newest task's last epoch. history: of each of its epochs.
    """

    logger: Logger | None = None
    folder: Path | None = None
    callbacks: list[Callback] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict, init=False)
    history: list[dict[str, float]] = field(default_factory=list, init=False)

    def __call__(self, net: RatingNet, task: TrainingTask) -> int:
        """Train `net` in place; how many epochs its weights stand for."""
        best = BestEpoch() if task.valid is not None else None
        module = NetModule(net, task)
        with reproducible(task), quiet():
            trainer = self._trainer(task, best)
            trainer.fit(module, datamodule=TaskData(task), ckpt_path=self._last(task))
        self.figures, self.history = module.figures, module.history
        if best is None:
            return trainer.current_epoch
        net.load_state_dict(best.weights)
        return best.epochs

    def _trainer(self, task: TrainingTask, best: BestEpoch | None) -> Trainer:
        return make_trainer(
            task,
            max_epochs=task.epochs or task.settings.epochs,
            callbacks=[*self._watchers(task, best), *self.callbacks],
            logger=self.logger or False,
            enable_checkpointing=self.folder is not None,
            limit_val_batches=0 if best is None else 1.0,
        )

    def _watchers(self, task: TrainingTask, best: BestEpoch | None) -> list[Callback]:
        watchers: list[Callback] = []
        if best is not None:
            patience = task.settings.patience
            watchers = [best, StopEarly(patience)]
        if (folder := self._kept(task)) is not None:
            watchers.append(_checkpoints(folder, best is not None))
        return [*watchers, EpochBar()]

    def _kept(self, task: TrainingTask) -> Path | None:
        return None if self.folder is None else self.folder / "checkpoints" / task.stage

    def _last(self, task: TrainingTask) -> Path | None:
        folder = self._kept(task)
        return folder / LAST if folder is not None and (folder / LAST).exists() else None


def make_trainer(task: TrainingTask, **options: Any) -> Trainer:
    """A Trainer of ratecast's habits; `options` are Lightning's."""
    steps = task.train.steps(task.settings.batch_size)
    habits: dict[str, Any] = {
        "accelerator": task.settings.accelerator,
        "devices": 1,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": steps,
    }
    return Trainer(**(habits | options))


@contextlib.contextmanager
def reproducible(task: TrainingTask) -> Iterator[None]:
    """Seeded draws on a fixed number of threads; the program's own are as before afterwards."""
    with torch_threads(task.settings.threads), flush_denormals(), torch.random.fork_rng():
        torch.manual_seed(task.seed)
        yield


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's greetings, and without its advice that does not hold here."""
    loggers = [logging.getLogger(f"lightning.{name}") for name in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in NEEDLESS:
            warnings.filterwarnings("ignore", message=message)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _checkpoints(folder: Path, watched: bool) -> ModelCheckpoint:
    return ModelCheckpoint(
        folder,
        filename="best" if watched else "newest",
        monitor=WATCHED if watched else None,
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
