"""Batches as slices of tensors on the device."""

from collections.abc import Callable, Iterator

import torch
from lightning import LightningDataModule

from ratecast.modelling.nets.base import Batch, TrainingData
from ratecast.modelling.nets.net_model import TrainingTask


class TensorBatches:
    """Batches of `data`, shuffled anew for each epoch, or in their order.

    The order depends only on (seed, epoch), so that a resumed run gets the same batches.
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
        # A generator, because a resumed run knows its epoch only when the first batch is read.
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
        return TensorBatches(self._on_device(task.train), size, seed, self._epoch)

    def val_dataloader(self) -> TensorBatches | list[Batch]:
        """All of valid, in large batches; empty if the task has none."""
        if self.task.valid is None:
            return []
        return TensorBatches(self._on_device(self.task.valid), 16 * self.task.settings.batch_size)

    def _on_device(self, data: TrainingData) -> TrainingData:
        assert self.trainer is not None
        return data.to(self.trainer.strategy.root_device)

    def _epoch(self) -> int:
        assert self.trainer is not None
        return self.trainer.current_epoch


def epoch_seed(seed: int, epoch: int) -> int:
    """The seed of one epoch."""
    return (seed * 1_000_003 + epoch) % 2**63
