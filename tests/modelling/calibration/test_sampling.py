import numpy as np
import pytest

from ratecast.modelling.calibration import sampling
from ratecast.modelling.calibration.sampling import Mask, held_out, rows_of


def users(rows: int) -> np.ndarray:
    return np.random.default_rng(1).integers(1, rows // 20 + 2, rows).astype(np.int32)


def parted(given: np.ndarray) -> tuple[Mask, Mask]:
    """What is fitted on and what is forecast, as masks."""
    parts = held_out(given, np.bincount(given), seed=0)
    assert parts is not None
    rest, held = (np.isin(np.arange(len(given)), part) for part in parts)
    return rest, held


@pytest.mark.parametrize(("rows", "share"), [(2000, 0.2), (7000, 1 / 7), (60_000, 0.1)])
def test_a_share_of_the_rows_and_whole_users(rows: int, share: float) -> None:
    given = users(rows)
    rest, held = parted(given)
    assert (rest ^ held).all()
    new = np.setdiff1d(given[held], given[rest])
    assert np.isin(given, new).mean() == pytest.approx(0.05, abs=0.02)
    assert held[~np.isin(given, new)].mean() == pytest.approx(share, abs=0.02)


def test_a_large_table_gives_some_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "COPY_ROWS", 5000)
    given = users(20_000)
    rest, held = parted(given)
    assert 4500 < (rest | held).sum() <= 5000
    assert not (rest & held).any()
    taken = np.unique(given[rest | held])
    assert (rest | held)[np.isin(given, taken)].all()


def test_a_few_rows_are_not_parted() -> None:
    given = np.ones(19, np.int32)
    assert held_out(given, np.bincount(given), seed=0) is None


@pytest.mark.parametrize("many", [0, 1 << 20])
def test_rows_of_chosen_users(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(sampling, "MANY_ROWS", many)
    given = users(2000)
    chosen = np.arange(given.max() + 1) % 3 == 1
    rows = rows_of(given, chosen, np.bincount(given))
    assert np.array_equal(rows, np.flatnonzero(given % 3 == 1))
