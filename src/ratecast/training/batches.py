"""Batches as slices of tensors that stay on the device."""

import math
from collections.abc import Callable, Iterator

import torch
from lightning import LightningDataModule

from ratecast.models.net import Examples, Lesson

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class TensorBatches:
    """Batches of `examples`, in an order drawn anew for each epoch, or as they stand.

    A batch is (users (b,), movies (b,), stars (b,)). The order depends on (seed, epoch) only, so
    that a run which continues sees what it would have seen.
    """

    def __init__(
        self,
        examples: Examples,
        size: int,
        seed: int = 0,
        epoch: Callable[[], int] | None = None,
    ) -> None:
        self._examples, self._size = examples, size
        self._seed, self._epoch = seed, epoch

    def __len__(self) -> int:
        return math.ceil(len(self._examples) / self._size)

    def __iter__(self) -> Iterator[Batch]:
        examples = self._examples if self._epoch is None else self._shuffled(self._epoch())
        for start in range(0, len(examples), self._size):
            part = examples.take(slice(start, start + self._size))
            yield part.users, part.movies, part.stars

    def _shuffled(self, epoch: int) -> Examples:
        generator = torch.Generator().manual_seed(epoch_seed(self._seed, epoch))
        order = torch.randperm(len(self._examples), generator=generator)
        return self._examples.take(order.to(self._examples.stars.device))


class LessonData(LightningDataModule):
    """The train and valid batches of one lesson."""

    def __init__(self, lesson: Lesson) -> None:
        super().__init__()
        self.lesson = lesson

    def train_dataloader(self) -> TensorBatches:
        """Shuffled batches of train."""
        lesson = self.lesson
        size, seed = lesson.settings.batch_size, lesson.seed
        return TensorBatches(self._placed(lesson.train), size, seed, self._now)

    def val_dataloader(self) -> TensorBatches | list[Batch]:
        """All of valid, in large batches; empty where the lesson has none."""
        if self.lesson.valid is None:
            return []
        return TensorBatches(self._placed(self.lesson.valid), 16 * self.lesson.settings.batch_size)

    def _placed(self, examples: Examples) -> Examples:
        assert self.trainer is not None
        return examples.to(self.trainer.strategy.root_device)

    def _now(self) -> int:
        assert self.trainer is not None
        return self.trainer.current_epoch


def epoch_seed(seed: int, epoch: int) -> int:
    """A seed for what is drawn in one epoch."""
    return (seed * 1_000_003 + epoch) % 2**63
