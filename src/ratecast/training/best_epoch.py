"""Keeps the weights of the best epoch, and stops when none better comes; both survive a kill."""

from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping

from ratecast.training.module import NetModule

WATCHED = "valid/rmse"


class BestEpoch(Callback):
    """The net's weights of the epoch of least valid RMSE, for the trainer to put back.

    Its state travels in each checkpoint, so that a continued run knows the best epoch before it.
    """

    def __init__(self) -> None:
        self.rmse, self.epochs = float("inf"), 0
        self.weights: dict[str, torch.Tensor] = {}

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the weights where they are better than before."""
        assert isinstance(pl_module, NetModule)
        rmse = pl_module.figures[WATCHED]
        if rmse < self.rmse:
            self.rmse, self.epochs = rmse, trainer.current_epoch + 1
            self.weights = {k: x.detach().clone() for k, x in pl_module.net.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"rmse": self.rmse, "epochs": self.epochs, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.rmse, self.epochs = state_dict["rmse"], state_dict["epochs"]
        self.weights = state_dict["weights"]


class StopEarly(EarlyStopping):
    """Early stopping that a run which had stopped already remembers when it is taken up."""

    def __init__(self, patience: int) -> None:
        super().__init__(WATCHED, patience=patience, check_finite=False)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop at once where patience had run out before."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True
