"""Batches as slices of tensors that stay on the device."""

from collections.abc import Callable, Iterator

import torch
from lightning import LightningDataModule

from ratecast.modelling.nets.base import Batch, TrainingData
from ratecast.modelling.nets.net_model import TrainingTask


class TensorBatches:
    """Batches of `data`, in an order drawn anew for each epoch, or as they stand.

    The order depends on (seed, epoch) only, so that a run which continues sees what it would have
    seen.
    """

    def __init__(
        self,
        data: TrainingData,
        size: int,
        seed: int = 0,
        epoch: Callable[[], int] | None = None,
    ) -> None:
        self._data, self._size = data, size
        self._seed, self._epoch = seed, epoch

    def __len__(self) -> int:
        return self._data.steps(self._size)

    def __iter__(self) -> Iterator[Batch]:
        # A generator, so that the epoch is read as late as the first batch: a continued run knows
        # it only then.
        order = None
        if self._epoch is not None:
            order = torch.Generator().manual_seed(epoch_seed(self._seed, self._epoch()))
        yield from self._data.batches(self._size, order)


class TaskData(LightningDataModule):
    """The train and valid batches of one task."""

    def __init__(self, task: TrainingTask) -> None:
        super().__init__()
        self.task = task

    def train_dataloader(self) -> TensorBatches:
        """Shuffled batches of train."""
        task = self.task
        size, seed = task.settings.batch_size, task.seed
        return TensorBatches(self._placed(task.train), size, seed, self._now)

    def val_dataloader(self) -> TensorBatches | list[Batch]:
        """All of valid, in large batches; empty where the task has none."""
        if self.task.valid is None:
            return []
        return TensorBatches(self._placed(self.task.valid), 16 * self.task.settings.batch_size)

    def _placed(self, data: TrainingData) -> TrainingData:
        assert self.trainer is not None
        return data.to(self.trainer.strategy.root_device)

    def _now(self) -> int:
        assert self.trainer is not None
        return self.trainer.current_epoch


def epoch_seed(seed: int, epoch: int) -> int:
    """A seed for what is drawn in one epoch."""
    return (seed * 1_000_003 + epoch) % 2**63
