from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ratecast.errors import InputError
from ratecast.modelling.nets.base import Examples, RatingNet
from ratecast.modelling.nets.net_model import NetModel, TrainerSettings, TrainingTask
from ratecast.training import LazyTrainer, make_model
from ratecast.training.datamodule import Part, TensorBatches
from ratecast.training.lightning_trainer import LightningTrainer
from ratecast.training.module import Sums
from tests.models.attention.test_model import some
from tests.training.tables import few, rmse


def examples(count: int) -> Examples:
    numbers = torch.arange(count)
    return Examples(numbers, numbers + 100, numbers.float())


class Level(RatingNet):
    """One number for everybody, which starts at `start`; remembers it at each validation."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.level = torch.nn.Parameter(torch.tensor(start))
        self.seen: list[float] = []

    def forward(self, users: Tensor, movies: Tensor) -> Tensor:
        if not self.training:
            self.seen.append(self.level.item())
        return self.level.expand(len(users))

    def penalty(self) -> Tensor:
        return torch.zeros(())


def training_task(train: float, valid: float | None, **settings: Any) -> TrainingTask:
    def rows(stars: float) -> Examples:
        return Examples(torch.zeros(8).long(), torch.zeros(8).long(), torch.full((8,), stars))

    tested = None if valid is None else rows(valid)
    return TrainingTask(rows(train), tested, TrainerSettings(**settings), seed=0, low=1, high=5)


def test_batches_cover_every_row_once_and_keep_rows_together() -> None:
    batches = TensorBatches(examples(10), 4, seed=1, epoch=lambda: 0)
    whole = [part.batch for part in batches]
    users, movies, stars = (torch.cat(x) for x in zip(*whole, strict=True))
    assert len(batches) == 3
    assert sorted(users.tolist()) == list(range(10))
    assert torch.equal(movies, users + 100)
    assert torch.equal(stars, users.float())


def test_the_order_depends_on_seed_and_epoch_only() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        batches = TensorBatches(examples(50), 8, seed, lambda: epoch)
        return torch.cat([part.batch[0] for part in batches]).tolist()

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("make", [lambda: examples(29), some])
def test_processes_take_the_step_of_the_whole_batch(count: int, make: Any) -> None:
    data = make()

    def parts(number: int, of: int) -> list[Part]:
        return list(TensorBatches(data, 9, 1, lambda: 0, (number, of)))

    found = [parts(number, count) for number in range(count)]
    for each, whole in zip(zip(*found, strict=True), parts(0, 1), strict=True):
        rows = torch.cat([part.batch[-1] for part in each if part.weight])
        assert sorted(rows.tolist()) == sorted(whole.batch[-1].tolist())
        assert all(len(part.batch[-1]) for part in each)
        mean = sum(part.weight * float(part.batch[-1].mean()) for part in each) / count
        assert mean == pytest.approx(float(whole.batch[-1].mean()))
    assert count < 7 or any(not part.weight for number in found for part in number)


def test_sums_are_over_rows_not_batches() -> None:
    random = np.random.default_rng(0)
    errors = random.normal(size=11).astype(np.float32)
    sums = Sums()
    for part in (errors[:8], errors[8:]):
        squares = torch.from_numpy(part**2)
        sums.add(squares, squares / 4)
    figures = sums.figures("valid", lambda total: total)
    assert figures["valid/loss"] == pytest.approx(np.mean(errors**2), rel=1e-6)
    assert figures["valid/rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)) / 2, rel=1e-6)


def test_the_logged_rmse_is_the_models_over_all_valid_rows() -> None:
    split = few()
    model = make_model("mf", trainer={"epochs": 1, "batch_size": 7})
    assert isinstance(model, NetModel)
    model.fit(split.train, split.valid)
    assert isinstance(model.train_net, LazyTrainer)
    assert split.valid is not None
    found = rmse(model.predict(split.valid.requests()).stars, split.valid)
    assert model.train_net.history[-1]["valid/rmse"] == pytest.approx(found, rel=1e-6)


def test_keeps_the_best_epoch_and_stops_early() -> None:
    """Train pulls the level up from 2 to 5; valid, at 3, is best on the way."""
    net = Level(2.0)
    task = training_task(5.0, 3.0, epochs=100, batch_size=8, learning_rate=0.2, patience=3)
    epochs = LightningTrainer()(net, task)
    best = int(np.argmin(np.abs(np.array(net.seen) - 3.0)))
    assert epochs == best + 1
    assert net.level.item() == net.seen[best]
    assert len(net.seen) == epochs + 3


def test_without_valid_trains_exactly_the_epochs_asked() -> None:
    net = Level(2.0)
    task = training_task(5.0, None, epochs=50, batch_size=4, learning_rate=0.01)
    assert LightningTrainer()(net, task) == 50
    assert LightningTrainer()(Level(2.0), replace(task, epochs=7)) == 7


@pytest.mark.parametrize("valid", [None, 3.0])
def test_a_loss_that_is_not_finite_fails_loudly(valid: float | None) -> None:
    with pytest.raises(InputError, match=r"train loss of epoch 1 is nan|valid loss .* nan"):
        LightningTrainer()(Level(float("nan")), training_task(5.0, valid, epochs=2))


def test_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    split = few()
    make_model("mf", trainer={"epochs": 1}).fit(split.train, split.valid)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
