"""The LightningModule that trains any net of ratings."""

import math
from collections.abc import Callable
from typing import Any

import torch
from lightning import LightningModule
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR

from ratecast.errors import InputError
from ratecast.modelling.nets.base import Examples, RatingNet
from ratecast.modelling.nets.net_model import TrainingTask
from ratecast.training.datamodule import Part, epoch_seed
from ratecast.training.optimizer import adam, uses_sparse_gradients


class Sums:
    """Exact sums over the rows of an epoch: squared error, squared error after clipping, rows.

    unit: of the errors, in stars.
    """

    def __init__(self, unit: float = 1.0) -> None:
        self._unit = unit
        self._squares: Tensor | float = 0.0
        self._clipped: Tensor | float = 0.0
        self._rows = 0

    def add(self, squares: Tensor, clipped: Tensor) -> None:
        """Add the squared errors of a batch, before and after clipping: (b,), (b,)."""
        self._squares = self._squares + squares.sum(dtype=torch.float32).double()
        self._clipped = self._clipped + clipped.sum(dtype=torch.float32).double()
        self._rows += len(squares)

    def figures(self, part: str, reduce: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """loss: mean squared error, units². rmse: its root, of clipped predictions, in stars.

        reduce: sums over the processes that have parts of the rows.
        """
        sums = self._squares, self._clipped, self._rows
        squares, clipped, rows = reduce(torch.tensor(sums, dtype=torch.float64)).tolist()
        return {
            f"{part}/loss": squares / rows,
            f"{part}/rmse": self._unit * math.sqrt(clipped / rows),
        }


class NetModule(LightningModule):
    """Trains by mean squared error of the batch plus the net's L2 penalty / number of rows.

    Several processes have a part of each batch, and take the step of the whole batch.
    Logs train/loss, train/rmse (during the epoch: with dropout, before the last step), valid/loss
    and valid/rmse, each over all rows, not a mean of batches.
    Raises `InputError` at the end of an epoch whose loss is not finite.
    """

    def __init__(self, net: RatingNet, task: TrainingTask) -> None:
        super().__init__()
        self.net, self.task = net, task
        self.learning_rate = task.settings.learning_rate
        self.figures: dict[str, float] = {}
        self.history: list[dict[str, float]] = []
        self._rows = len(task.train)
        self._sums = {"train": Sums(task.unit), "valid": Sums(task.unit)}

    def setup(self, stage: str) -> None:
        """Choose the form of the gradients, which several processes must know before they begin."""
        train, device = self.task.train, self.trainer.strategy.root_device
        if isinstance(train, Examples) and uses_sparse_gradients(self.net, self.task, device.type):
            self.net.use_sparse_gradients(train)

    def on_train_epoch_start(self) -> None:
        """Seed the epoch by (seed, epoch), so that a resumed run repeats it."""
        torch.manual_seed(epoch_seed(self.task.seed, self.current_epoch, self.global_rank))
        self._sums["train"] = Sums(self.task.unit)

    def training_step(self, part: Part, _: int) -> Tensor:
        """Weighted loss of this process's part of a batch: ()."""
        squares = self._squares("train", part)
        loss = squares.mean() + self.net.penalty() / self._rows
        return loss if part.weight == 1 else part.weight * loss

    def on_validation_epoch_start(self) -> None:
        """Reset the sums."""
        self._sums["valid"] = Sums(self.task.unit)

    def validation_step(self, part: Part, _: int) -> None:
        """Add this process's part of a batch of valid."""
        self._squares("valid", part)

    def on_validation_epoch_end(self) -> None:
        """Log valid."""
        self._log_part("valid")

    def on_train_epoch_end(self) -> None:
        """Log train."""
        self._log_part("train")
        self.history.append(dict(self.figures))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the figures of the epochs so far: a resumed run reports all of them."""
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore them; a checkpoint of an earlier version has none."""
        self.history = checkpoint.get("history", [])

    def configure_optimizers(self) -> Any:
        """Adam with cosine annealing to 0, step by step over all epochs."""
        optimizer = adam(self.net, self.learning_rate, self.device.type)
        settings = self.task.settings
        steps = settings.epochs * self.task.train.steps(settings.batch_size)
        schedule = CosineAnnealingLR(optimizer, T_max=steps)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """Clear the gradients."""
        optimizer.zero_grad(set_to_none=True)

    def _squares(self, name: str, part: Part) -> Tensor:
        *inputs, stars = part.batch
        predicted: Tensor = self.net(*inputs)
        squares = (predicted - stars).square()
        if part.weight:
            with torch.no_grad():
                clipped = predicted.detach().clamp(self.task.low, self.task.high)
                self._sums[name].add(squares.detach(), (clipped - stars).square())
        return squares

    def _log_part(self, part: str) -> None:
        figures = self._sums[part].figures(part, self._sum_of_processes)
        if not math.isfinite(figures[f"{part}/loss"]):
            raise InputError(
                f"training: the {part} loss of epoch {self.current_epoch + 1} is "
                f"{figures[f'{part}/loss']}; lower trainer.learning_rate ({self.learning_rate:g})"
            )
        self.figures |= figures
        # Every process has the same.
        self.log_dict(figures, prog_bar=True, batch_size=1, sync_dist=True)

    def _sum_of_processes(self, sums: Tensor) -> Tensor:
        total: Tensor = self.trainer.strategy.reduce(sums.to(self.device), reduce_op="sum")
        return total
