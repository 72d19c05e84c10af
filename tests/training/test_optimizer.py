"""Gradients of the rows of a batch alone: what moves, penalties, and that both kinds learn."""

import copy

import numpy as np
import pytest
import torch
from torch.optim import SparseAdam

from ratecast.errors import InputError
from ratecast.modelling.nets.base import CentredEmbedding, flush_denormals
from ratecast.modelling.nets.net_model import TrainerSettings
from ratecast.training import make_model
from ratecast.training.optimizer import OptimizerPair, RowAdam, adam
from ratecast.training.sparse_adam import step_of_rows
from tests.training.tables import planted


def thin(counts: list[int]) -> CentredEmbedding:
    torch.manual_seed(0)
    table = CentredEmbedding(len(counts), 3, init_std=1.0)
    table.use_sparse_gradients(torch.tensor(counts))
    return table


def test_only_the_rows_of_a_batch_move() -> None:
    table = thin([0, 2, 2, 2])
    before = table.own.weight.detach().clone()
    optimizer = adam(table, 0.1, "cpu")
    assert isinstance(optimizer, OptimizerPair)
    (table(torch.tensor([1, 3, 3])).square().sum() + table.squared_norm()).backward()
    optimizer.step()
    moved = (table.own.weight != before).any(dim=1)
    assert moved.tolist() == [False, True, False, True]


def test_its_steps_are_those_of_torch_and_go_on_from_a_state() -> None:
    tables = [torch.nn.Embedding(50, 3, sparse=True) for _ in range(2)]
    tables[1].load_state_dict(tables[0].state_dict())
    rows, plain = RowAdam([tables[0].weight], 0.05), SparseAdam([tables[1].weight], lr=0.05)
    for turn in range(20):
        torch.manual_seed(turn)
        ids, wanted = torch.randint(0, 50, (30,)), torch.randn(30, 3)
        for table, optimizer in zip(tables, (rows, plain), strict=True):
            optimizer.zero_grad()
            (table(ids) - wanted).square().mean().backward()
            optimizer.step()
        if turn == 10:
            state = copy.deepcopy(rows.state_dict())
            rows = RowAdam([tables[0].weight], 0.05)
            rows.load_state_dict(state)
    torch.testing.assert_close(tables[0].weight, tables[1].weight)


def test_a_long_way_is_that_of_numpy() -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(9, 5)).astype(np.float32)
    plain, mean, square = weight.astype(float), np.zeros((9, 5)), np.zeros((9, 5))
    table, place = (weight, np.zeros_like(weight), np.zeros_like(weight)), np.full(9, -1, np.int32)
    for turn in range(1, 200):
        ids, slopes = rng.integers(0, 9, 7), rng.normal(size=(7, 5)).astype(np.float32)
        step_of_rows(table, (ids, slopes), place, (0.01, 0.9, 0.999, 1e-8, turn))
        for row in set(ids):
            slope = slopes[ids == row].sum(0)
            mean[row] = 0.9 * mean[row] + 0.1 * slope
            square[row] = 0.999 * square[row] + 0.001 * slope**2
            first, second = mean[row] / (1 - 0.9**turn), square[row] / (1 - 0.999**turn)
            plain[row] -= 0.01 * first / (np.sqrt(second) + 1e-8 / np.sqrt(1 - 0.999**turn))
    np.testing.assert_allclose(weight, plain, atol=1e-4)
    assert (place == -1).all()


def test_numbers_near_nothing_are_nothing_while_a_net_learns() -> None:
    def halved() -> float:
        return (torch.tensor([1e-38]) / 100).item()

    with flush_denormals():
        assert halved() == 0
    assert halved() > 0


def test_over_all_batches_the_penalty_is_that_of_the_whole_table() -> None:
    ids = [1, 1, 1, 2, 3, 3, 3, 3]
    table = thin(np.bincount(ids).tolist())
    penalties = []
    for one in ids:
        table(torch.tensor([one]))
        penalties.append(table.squared_norm().item())
    assert np.mean(penalties) == pytest.approx(table.own.weight.square().sum().item(), rel=1e-5)


@pytest.mark.parametrize("name", ["mf", "mf_bias", "neumf"])
def test_both_kinds_of_gradients_learn(name: str) -> None:
    split = planted().split
    rmse = []
    for gradients in ("dense", "sparse"):
        trainer = {"epochs": 8, "batch_size": 64, "gradients": gradients}
        model = make_model(name, factors=4, trainer=trainer).fit(split.train, split.valid)
        forecast = model.predict(split.test.requests())
        rmse.append(float(np.sqrt(np.mean((forecast.stars - split.test.stars) ** 2))))
    spread = float(split.test.stars.std())
    assert max(rmse) < spread
    assert rmse[1] == pytest.approx(rmse[0], abs=0.05)


def test_unknown_gradients_are_refused() -> None:
    with pytest.raises(InputError, match=r"trainer.gradients is 'none'; choose one of auto, dense"):
        TrainerSettings(gradients="none")  # type: ignore[arg-type]
