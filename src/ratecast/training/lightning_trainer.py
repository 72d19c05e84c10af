"""Trains a net with Lightning, with or without logs and checkpoints."""

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
NEEDLESS_WARNINGS = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    r"Checkpoint directory .* exists and is not empty",
)


@dataclass
class LightningTrainer:
    """The `TrainNet` by Lightning.

    logger: for the curves; None: no logs, as in an evaluation. folder: of the run, with the best
    and the last epoch under `checkpoints/<stage>`; training resumes from the last one. None: no
    checkpoints. options: further ones of Lightning's Trainer. figures: losses and RMSE of the last
    epoch of the newest task. history: of each of its epochs.
    """

    logger: Logger | None = None
    folder: Path | None = None
    callbacks: list[Callback] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict, init=False)
    history: list[dict[str, float]] = field(default_factory=list, init=False)

    def __call__(self, net: RatingNet, task: TrainingTask) -> int:
        """Train `net` in place; returns the number of epochs of its final weights."""
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
            callbacks=[*self._default_callbacks(task, best), *self.callbacks],
            logger=self.logger or False,
            enable_checkpointing=self.folder is not None,
            limit_val_batches=0 if best is None else 1.0,
            **self.options,
        )

    def _default_callbacks(self, task: TrainingTask, best: BestEpoch | None) -> list[Callback]:
        callbacks: list[Callback] = []
        if best is not None:
            patience = task.settings.patience
            callbacks = [best, StopEarly(patience)]
        if (folder := self._checkpoint_folder(task)) is not None:
            callbacks.append(_checkpoints(folder, best is not None))
        return [*callbacks, EpochBar()]

    def _checkpoint_folder(self, task: TrainingTask) -> Path | None:
        return None if self.folder is None else self.folder / "checkpoints" / task.stage

    def _last(self, task: TrainingTask) -> Path | None:
        folder = self._checkpoint_folder(task)
        return folder / LAST if folder is not None and (folder / LAST).exists() else None


def make_trainer(task: TrainingTask, **options: Any) -> Trainer:
    """A Lightning Trainer with ratecast's defaults. options: of Lightning, override them."""
    steps = task.train.steps(task.settings.batch_size)
    defaults: dict[str, Any] = {
        "accelerator": task.settings.accelerator,
        "devices": 1,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": steps,
    }
    return Trainer(**(defaults | options))


@contextlib.contextmanager
def reproducible(task: TrainingTask) -> Iterator[None]:
    """Seeded random numbers and a fixed number of threads; restored at the end of the block."""
    with torch_threads(task.settings.threads), flush_denormals(), torch.random.fork_rng():
        torch.manual_seed(task.seed)
        yield


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's banners and its needless warnings."""
    loggers = [logging.getLogger(f"lightning.{name}") for name in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in NEEDLESS_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _checkpoints(folder: Path, validated: bool) -> ModelCheckpoint:
    return ModelCheckpoint(
        folder,
        filename="best" if validated else "newest",
        monitor=WATCHED if validated else None,
        save_last=True,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
