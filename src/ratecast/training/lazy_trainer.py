"""A trainer that imports Lightning for its first net, and the training curves of models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratecast.modelling.contract.model import Model

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger, TensorBoardLogger

    from ratecast.modelling.nets.base import RatingNet
    from ratecast.modelling.nets.net_model import TrainingTask
    from ratecast.training.lightning_trainer import LightningTrainer
    from ratecast.training.ray_training import RayTrainer
    from ratecast.workers.ray_pool import RayPool

Curve = tuple[list[float], list[float], list[float]]


@dataclass
class LazyTrainer:
    """A `TrainNet` that imports Lightning when it trains its first net.

    logger, folder: as for `LightningTrainer`; with a folder and no logger, the curves go to
    TensorBoard there, beside `settings`. workers: of a cluster, that train together; they need a
    folder. history: losses and RMSE of each epoch of the newest task.
    """

    logger: "Logger | None" = None
    folder: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    workers: "RayPool | None" = None
    history: list[dict[str, float]] = field(default_factory=list, init=False)

    def __call__(self, net: "RatingNet", task: "TrainingTask") -> int:
        """Train `net` in place; returns the number of epochs of its final weights."""
        logger = self.logger
        if logger is None and self.folder is not None:
            logger = tensorboard_logger(self.folder)
            logger.log_hyperparams(self.settings)
        trainer = self._trainer(logger)
        epochs = trainer(net, task)
        self.history = trainer.history
        return epochs

    def _trainer(self, logger: "Logger | None") -> "LightningTrainer | RayTrainer":
        if self.workers is None:
            from ratecast.training.lightning_trainer import LightningTrainer

            return LightningTrainer(logger, self.folder)
        from ratecast.training.ray_training import RayTrainer

        assert logger is not None
        assert self.folder is not None
        # A worker has another current folder.
        return RayTrainer(self.workers, logger, self.folder.absolute())


def curves_of(models: Mapping[str, Model]) -> dict[str, Curve]:
    """Training curve of each model that was trained by epochs: epochs, train and valid RMSE."""
    histories = {name: getattr(model, "train_net", None) for name, model in models.items()}
    return {
        name: (
            list(range(1, len(trainer.history) + 1)),
            [figures["train/rmse"] for figures in trainer.history],
            [figures["valid/rmse"] for figures in trainer.history],
        )
        for name, trainer in histories.items()
        if trainer is not None and trainer.history and "valid/rmse" in trainer.history[-1]
    }


def tensorboard_logger(folder: Path) -> "TensorBoardLogger":
    """The TensorBoard logger of a run's folder."""
    # Lightning takes seconds to import.
    from lightning.pytorch.loggers import TensorBoardLogger

    home = folder.parent
    return TensorBoardLogger(home.parent, home.name, folder.name, default_hp_metric=False)
