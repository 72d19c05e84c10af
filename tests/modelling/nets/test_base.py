import pytest
import torch

from ratecast.modelling.nets.base import CentredEmbedding, drop_ids


def test_the_unknown_row_is_the_centre_and_stays_it() -> None:
    table = CentredEmbedding(5, 3, init_std=0.5)
    optimizer = torch.optim.SGD(table.parameters(), lr=1.0)
    table(torch.tensor([0, 0, 2])).sum().backward()
    optimizer.step()
    assert torch.equal(table(torch.tensor([0]))[0], table.centre)
    assert float(table.own.weight[0].detach().abs().sum()) == 0


def test_drop_ids_replaces_about_the_share() -> None:
    torch.manual_seed(0)
    ids = torch.ones(10_000, dtype=torch.int64)
    assert float((drop_ids(ids, 0.3) == 0).float().mean()) == pytest.approx(0.3, abs=0.02)
    assert torch.equal(drop_ids(ids, 0.0), ids)
