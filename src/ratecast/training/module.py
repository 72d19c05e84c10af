"""The one LightningModule: it trains any net from row numbers to stars."""

import math
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR

from ratecast.errors import InputError
from ratecast.modelling.nets.base import Batch, Examples, RatingNet
from ratecast.modelling.nets.net_model import TrainingTask
from ratecast.training.datamodule import epoch_seed
from ratecast.training.optimizer import adam, uses_sparse_gradients


class Sums:
    """Exact sums of an epoch, over rows: squared error (raw), squared error (clipped), rows."""

    def __init__(self) -> None:
        self._squares: Tensor | float = 0.0
        self._clipped: Tensor | float = 0.0
        self._rows = 0

    def add(self, squares: Tensor, clipped: Tensor) -> None:
        """Hear the squared errors of a batch: (b,), (b,)."""
        self._squares = self._squares + squares.sum(dtype=torch.float32).double()
        self._clipped = self._clipped + clipped.sum(dtype=torch.float32).double()
        self._rows += len(squares)

    def figures(self, part: str) -> dict[str, float]:
        """loss: mean squared error, unclipped. rmse: root of it, of clipped answers."""
        loss, clipped = (float(x) / self._rows for x in (self._squares, self._clipped))
        return {f"{part}/loss": loss, f"{part}/rmse": math.sqrt(clipped)}


class NetModule(LightningModule):
    """Squared error over the rows of a batch, plus the net's penalty spread over all rows.

    Logs train/loss, train/rmse (as the net was during the epoch: with dropout, before the
    epoch's last step), valid/loss and valid/rmse: sums over all rows, not means of batches.
    Raises `InputError` at the end of an epoch whose loss is not finite.
    """

    def __init__(self, net: RatingNet, task: TrainingTask) -> None:
        super().__init__()
        self.net, self.task = net, task
        self.learning_rate = task.settings.learning_rate
        self.figures: dict[str, float] = {}
        self.history: list[dict[str, float]] = []
        self._rows = len(task.train)
        self._sums = {"train": Sums(), "valid": Sums()}

    def on_train_epoch_start(self) -> None:
        """Draw the epoch's randomness from (seed, epoch), so that a continued run repeats it."""
        torch.manual_seed(epoch_seed(self.task.seed, self.current_epoch))
        self._sums["train"] = Sums()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of one batch: ()."""
        squares = self._squares("train", batch)
        return squares.mean() + self.net.penalty() / self._rows

    def on_validation_epoch_start(self) -> None:
        """Start the sums."""
        self._sums["valid"] = Sums()

    def validation_step(self, batch: Batch, _: int) -> None:
        """Hear one batch of valid."""
        self._squares("valid", batch)

    def on_validation_epoch_end(self) -> None:
        """Log valid."""
        self._report("valid")

    def on_train_epoch_end(self) -> None:
        """Log train."""
        self._report("train")
        self.history.append(dict(self.figures))

    def configure_optimizers(self) -> Any:
        """Adam; its rate falls to 0 over all epochs along a cosine, step by step."""
        train = self.task.train
        if isinstance(train, Examples) and uses_sparse_gradients(
            self.net, self.task, self.device.type
        ):
            self.net.use_sparse_gradients(train)
        optimizer = adam(self.net, self.learning_rate, self.device.type)
        settings = self.task.settings
        steps = settings.epochs * self.task.train.steps(settings.batch_size)
        fall = CosineAnnealingLR(optimizer, T_max=steps)
        return [optimizer], [{"scheduler": fall, "interval": "step"}]

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """Forget the gradients."""
        optimizer.zero_grad(set_to_none=True)

    def _squares(self, part: str, batch: Batch) -> Tensor:
        *asked, stars = batch
        answers: Tensor = self.net(*asked)
        squares = (answers - stars).square()
        with torch.no_grad():
            clipped = answers.detach().clamp(self.task.low, self.task.high)
            self._sums[part].add(squares.detach(), (clipped - stars).square())
        return squares

    def _report(self, part: str) -> None:
        figures = self._sums[part].figures(part)
        if not math.isfinite(figures[f"{part}/loss"]):
            raise InputError(
                f"training: the {part} loss of epoch {self.current_epoch + 1} is "
                f"{figures[f'{part}/loss']}; lower trainer.learning_rate ({self.learning_rate:g})"
            )
        self.figures |= figures
        self.log_dict(figures, prog_bar=True, batch_size=1)
