"""Every model keeps its accuracy on real ratings: a band around the RMSE that was measured."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from ratecast.evaluation.reproduce import read
from ratecast.models import MODELS
from ratecast.ratings import Ratings
from ratecast.splits import Split
from tests.models import bands
from tests.models.bands import ON_SMALL, PARTS, Fit

PUBLISHED = {
    (row["model"], row["protocol"]): row["rmse"]
    for row in read(Path(__file__).parents[2])[0]["rows"]
    if (row["split"], row["part"], row["slice"]) == ("chronological", "valid", "all")
}
SMALL = json.loads(bands.FIGURES.read_text())
# Stars. Seeds differ by up to 0.004 on the whole table; figures of the small one are of one seed.
BAND = 0.008
SMALL_BAND = 0.005


def group(name: str) -> str:
    """Which tests share a process: those of a blend and its parts, whose fits it takes."""
    return "bands of blend" if name in (*PARTS, "blend") else "bands"


@pytest.fixture(scope="module")
def table(ml100k: Ratings) -> Callable[[bool], tuple[Split, Fit]]:
    """The split of the small table or of the whole one, and the fits on it."""

    @cache
    def made(small: bool) -> tuple[Split, Fit]:
        split = bands.split_of(ml100k, small=small)
        return split, bands.fits(split)

    return made


@pytest.mark.parametrize(
    "name",
    # auto is one of the others, or a mean of them: tests/models/test_auto.py.
    [pytest.param(n, marks=pytest.mark.xdist_group(group(n))) for n in MODELS if n != "auto"],
)
def test_rmse_is_in_its_band(name: str, table: Callable[[bool], tuple[Split, Fit]]) -> None:
    small = name in ON_SMALL
    split, fit = table(small)
    measured = bands.rmse(fit(name), split)
    for by in ("frozen", "as-of"):
        if small:
            assert measured[by] == pytest.approx(SMALL[name][by], abs=SMALL_BAND), by
            continue
        assert (name, by) in PUBLISHED, "not in results/reproduce.json: run `make reproduce`"
        assert measured[by] == pytest.approx(PUBLISHED[name, by], abs=BAND), by
