"""Batches as slices of tensors on the device."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from lightning import LightningDataModule

from ratecast.modelling.nets.base import Batch, TrainingData
from ratecast.modelling.nets.net_model import TrainingTask


class Part(NamedTuple):
    """What one process learns from a batch.

    weight: of its loss, 1 if it has the whole batch. The mean over the processes of weight times
    loss is the loss of the whole batch, however unequal their parts are. A process for which no
    row is left has weight 0, and rows that are another one's.
    """

    batch: Batch
    weight: float


class TensorBatches:
    """Batches of `data`, shuffled anew for each epoch, or in their order.

    process: number of this one, and how many there are: each gets its part of every batch. The
    batches depend only on (seed, epoch), so that a resumed run gets the same ones, and any number
    of processes.
    """

    def __init__(
        self,
        data: TrainingData,
        size: int,
        seed: int = 0,
        epoch: Callable[[], int] | None = None,
        process: tuple[int, int] = (0, 1),
    ) -> None:
        self._data, self._size = data, size
        self._seed, self._epoch, self._process = seed, epoch, process

    def __len__(self) -> int:
        return self._data.steps(self._size)

    def __iter__(self) -> Iterator[Part]:
        # A generator, because a resumed run knows its epoch only when the first batch is read.
        order = None
        if self._epoch is not None:
            order = torch.Generator().manual_seed(epoch_seed(self._seed, self._epoch()))
        for batch in self._data.batches(self._size, order):
            yield self._part(batch)

    def _part(self, batch: Batch) -> Part:
        number, count = self._process
        if count == 1:
            return Part(batch, 1.0)
        own, rows = self._data.part(batch, number, count), len(batch[-1])
        if len(own[-1]):
            return Part(own, count * len(own[-1]) / rows)
        return Part(self._data.part(batch, 0, count), 0.0)


class TaskData(LightningDataModule):
    """The train and valid batches of one task."""

    def __init__(self, task: TrainingTask) -> None:
        super().__init__()
        self.task = task

    def train_dataloader(self) -> TensorBatches:
        """Shuffled batches of train."""
        task = self.task
        size, data = task.settings.batch_size, self._on_device(task.train)
        return TensorBatches(data, size, task.seed, self._epoch, self._process())

    def val_dataloader(self) -> TensorBatches | list[Part]:
        """All of valid, in large batches; empty if the task has none."""
        if self.task.valid is None:
            return []
        size, data = 16 * self.task.settings.batch_size, self._on_device(self.task.valid)
        return TensorBatches(data, size, process=self._process())

    def _on_device(self, data: TrainingData) -> TrainingData:
        assert self.trainer is not None
        return data.to(self.trainer.strategy.root_device)

    def _epoch(self) -> int:
        assert self.trainer is not None
        return self.trainer.current_epoch

    def _process(self) -> tuple[int, int]:
        assert self.trainer is not None
        return self.trainer.global_rank, self.trainer.world_size


def epoch_seed(seed: int, epoch: int, process: int = 0) -> int:
    """The seed of one epoch, in one of the processes that train."""
    return (seed * 1_000_003 + epoch + (process << 48)) % 2**63
