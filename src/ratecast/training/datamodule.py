"""Batches as slices of tensors that stay on the device."""

from collections.abc import Callable, Iterator

import torch
from lightning import LightningDataModule

from ratecast.modelling.nets.examples import Batch, Material
from ratecast.modelling.nets.net_model import Lesson


class TensorBatches:
    """Batches of `material`, in an order drawn anew for each epoch, or as they stand.

    The order depends on (seed, epoch) only, so that a run which continues sees what it would have
    seen.
    """

    def __init__(
        self,
        material: Material,
        size: int,
        seed: int = 0,
        epoch: Callable[[], int] | None = None,
    ) -> None:
        self._material, self._size = material, size
        self._seed, self._epoch = seed, epoch

    def __len__(self) -> int:
        return self._material.steps(self._size)

    def __iter__(self) -> Iterator[Batch]:
        # A generator, so that the epoch is read as late as the first batch: a continued run knows
        # it only then.
        order = None
        if self._epoch is not None:
            order = torch.Generator().manual_seed(epoch_seed(self._seed, self._epoch()))
        yield from self._material.batches(self._size, order)


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

    def _placed(self, material: Material) -> Material:
        assert self.trainer is not None
        return material.to(self.trainer.strategy.root_device)

    def _now(self) -> int:
        assert self.trainer is not None
        return self.trainer.current_epoch


def epoch_seed(seed: int, epoch: int) -> int:
    """A seed for what is drawn in one epoch."""
    return (seed * 1_000_003 + epoch) % 2**63
