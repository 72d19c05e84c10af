"""The RMSE leaves its band when the variances are wrong, and else as often as stated."""

import numpy as np
import pytest

from ratecast.ratings import Scale
from ratecast.serving.quality.band import LEAST_BLOCKS, band_of
from ratecast.serving.quality.scores import BLOCK, BLOCKS, Sums, sums_of
from ratecast.serving.quality.tracker import QualityTracker
from tests.serving.quality.rows import drawn, kept


def blocks(random: np.random.Generator, wrong: float = 0.0, size: int = BLOCK) -> list[Sums]:
    return [sums_of(drawn(random, size, wrong)) for _ in range(BLOCKS)]


def test_calibrated_forecasts_leave_it_at_the_level() -> None:
    random, left = np.random.default_rng(0), 0
    for _ in range(300):
        band = band_of(blocks(random, size=40), level=0.1)
        assert band is not None
        left += not band.holds
    # 300 draws at 10 %: 30, and three standard deviations of 5.2.
    assert 15 <= left <= 45


def test_wrong_forecasts_leave_it() -> None:
    band = band_of(blocks(np.random.default_rng(1), wrong=0.6))
    assert band is not None
    assert band.low < band.expected < band.high < band.rmse
    assert not band.holds


def test_a_few_blocks_are_no_band() -> None:
    assert band_of(blocks(np.random.default_rng(2))[: LEAST_BLOCKS - 1]) is None


def test_one_warning_when_it_leaves_and_one_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    random, tracker, first = np.random.default_rng(3), QualityTracker(Scale(1, 5)), 1

    def give(count: int, wrong: float) -> list[str]:
        nonlocal first
        caplog.clear()
        for _ in range(count):
            rows = drawn(random, BLOCK, wrong, first)
            first += BLOCK
            tracker.count(kept(rows), first - 1)
        return [record.getMessage() for record in caplog.records]

    assert give(BLOCKS, 0.0) == []
    assert give(BLOCKS, 0.8) == ["RMSE left its band"]
    assert give(2 * BLOCKS, 0.0) == ["RMSE is back in its band"]
