"""A Lightning logger for a whole run: what it refuses is one line, and it is closed once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from torch import Tensor
from torch.nn import Module

from ratecast.errors import InputError
from ratecast.visible_text import one_line


class RunLogger(Logger):
    """The logger that an experiment configures, for a run of any number of trainings.

    Every error of it is an `InputError`. A Trainer does not finish the run, since a second one may
    follow, or none: `close` does.
    """

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._logger = logger
        self._names: set[str] = set()
        # A run that was open before is that of somebody else.
        self._finishes = isinstance(logger, WandbLogger) and not _wandb_runs()

    @property
    def name(self) -> str | None:
        """Name of the logger's experiment."""
        with refusals(self._logger):
            return self._logger.name

    @property
    def version(self) -> int | str | None:
        """Version of the logger's experiment."""
        with refusals(self._logger):
            return self._logger.version

    @property
    def save_dir(self) -> str | None:
        """Folder of the logger, if it has one."""
        with refusals(self._logger):
            return self._logger.save_dir

    @property
    def tensorboard_folder(self) -> Path | None:
        """Folder of the logger if it is TensorBoard's."""
        if not isinstance(self._logger, TensorBoardLogger):
            return None
        with refusals(self._logger):
            return Path(self._logger.log_dir)

    def log_hyperparams(self, params: Any, *args: Any, **options: Any) -> None:
        """Log settings."""
        with refusals(self._logger):
            self._logger.log_hyperparams(params, *args, **options)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log figures."""
        self._names |= set(metrics)
        with refusals(self._logger):
            self._logger.log_metrics(dict(metrics), step)

    def log_graph(self, model: Module, input_array: Tensor | None = None) -> None:
        """Log the net's graph, if the logger does that."""
        with refusals(self._logger):
            self._logger.log_graph(model, input_array)

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        """Log a checkpoint, if the logger does that."""
        with refusals(self._logger):
            self._logger.after_save_checkpoint(checkpoint_callback)

    def save(self) -> None:
        """Write what the logger holds back."""
        with refusals(self._logger):
            self._logger.save()

    def finalize(self, status: str) -> None:
        """Do nothing: a Trainer has ended, and not the run."""

    def log_final(self, figures: Mapping[str, float]) -> None:
        """Log the figures of the fitted model, as final/NAME; also as NAME if no epoch has."""
        final = {f"final/{name.replace('/', '_')}": value for name, value in figures.items()}
        curves = {name: value for name, value in figures.items() if name not in self._names}
        self.log_metrics(curves | final)

    def log_artifact(self, folder: Path, name: str) -> None:
        """Log a folder of files, if the logger keeps any: MLflow and W&B do."""
        with refusals(self._logger):
            if isinstance(self._logger, MLFlowLogger):
                run = self._logger.run_id
                self._logger.experiment.log_artifacts(run, str(folder), folder.name)
            elif isinstance(self._logger, WandbLogger):
                self._logger.experiment.log_artifact(str(folder), name=name, type="model")

    def close(self, status: str) -> None:
        """Finish the run. status: success or failed."""
        with refusals(self._logger):
            self._logger.finalize(status)
            # Lightning leaves a run of W&B open, and the next one in this process would join it.
            if isinstance(self._logger, WandbLogger) and self._finishes and _wandb_runs():
                self._logger.experiment.finish(exit_code=0 if status == "success" else 1)


@contextmanager
def refusals(logger: Logger | str) -> Iterator[None]:
    """Turn every error in the block into an `InputError` that names the logger."""
    name = logger if isinstance(logger, str) else type(logger).__name__
    try:
        yield
    except Exception as error:  # Loggers, and the servers behind them, fail in many ways.
        missing = isinstance(error, ImportError)
        text = str(error).split("HINT")[0] if missing else str(error)
        reason = one_line(" ".join(text.split())).rstrip(".") or type(error).__name__
        instead = "; install it, or remove the logger" if missing else ""
        raise InputError(f"logger {name}: {reason}{instead}") from None


def _wandb_runs() -> bool:
    """Whether a run of W&B is open in this process."""
    return import_module("wandb").run is not None
