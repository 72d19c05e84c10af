"""Callbacks for the best epoch and early stopping; both resume after a kill."""

from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping

from ratecast.training.module import NetModule

WATCHED = "valid/rmse"


class BestEpoch(Callback):
    """The weights of the epoch with the lowest validation RMSE, which the trainer restores.

    Its state is part of each checkpoint, so that a resumed run knows the best epoch so far.
    """

    def __init__(self) -> None:
        self.rmse, self.epochs = float("inf"), 0
        self.weights: dict[str, torch.Tensor] = {}

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Copy the weights if the RMSE is the lowest so far."""
        assert isinstance(pl_module, NetModule)
        rmse = pl_module.figures[WATCHED]
        if rmse < self.rmse:
            self.rmse, self.epochs = rmse, trainer.current_epoch + 1
            self.weights = {k: x.detach().clone() for k, x in pl_module.net.state_dict().items()}
        if (on_epoch := pl_module.task.on_epoch) is not None:
            on_epoch(trainer.current_epoch + 1, rmse)

    def state_dict(self) -> dict[str, Any]:
        """The state for the checkpoint."""
        return {"rmse": self.rmse, "epochs": self.epochs, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.rmse, self.epochs = state_dict["rmse"], state_dict["epochs"]
        self.weights = state_dict["weights"]


class StopEarly(EarlyStopping):
    """Early stopping that also holds for a resumed run that had stopped."""

    def __init__(self, patience: int) -> None:
        super().__init__(WATCHED, patience=patience, check_finite=False)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop at once if the run had stopped before."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True
