"""Every model keeps its accuracy on the real data: a band around its published RMSE."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ratecast.evaluation import protocol, score_rows
from ratecast.evaluation.reproduce import read
from ratecast.modelling.contract.model import Model
from ratecast.models import MODELS
from ratecast.models.blend import KNOWN_USERS, NEW_USERS, Blend
from ratecast.ratings import Ratings
from ratecast.splits import Split, chronological
from ratecast.training import make_model

ROWS = read(Path(__file__).parents[2])[0]["rows"]
PUBLISHED = {
    (row["model"], row["protocol"]): row["rmse"]
    for row in ROWS
    if (row["split"], row["part"], row["slice"]) == ("chronological", "valid", "all")
}
# Stars. Seeds differ by up to 0.004; the shortened fits below by a little more.
BAND = 0.008
SHORT: dict[str, dict[str, Any]] = {
    "attention": {"trainer": {"epochs": 5, "learning_rate": 0.01}},
    # A refit after every 3 % of new ratings, not after every 0.25 %.
    "state_space": {"refresh_growth": 0.03},
}


PARTS = KNOWN_USERS | NEW_USERS


def group(name: str) -> str:
    """Which tests share a process: those of a blend and its parts, whose fits it takes."""
    return "bands of blend" if name == "blend" or name in PARTS else "bands"


@pytest.fixture(scope="module")
def split(ml100k: Ratings) -> Split:
    """Train and valid of the real split; test is not for tests either."""
    whole = chronological(ml100k)
    assert whole.valid is not None
    return Split("chronological", whole.train, None, whole.valid)


@pytest.fixture(scope="module")
def fitted(split: Split) -> Callable[[str], Model]:
    """Each model, fitted once: blend takes its parts from here."""
    return cache(lambda name: make_model(name, **SHORT.get(name, {})).fit(split.train, split.test))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.xdist_group(group(name))) for name in MODELS],
)
def test_rmse_is_in_its_band(
    name: str, split: Split, fitted: Callable[[str], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_parts(blend: Blend, *_: object) -> None:
        blend._parts = {part: deepcopy(fitted(part)) for part in PARTS}

    monkeypatch.setattr(Blend, "fit_rows", take_parts)
    model = deepcopy(fitted(name))
    by: protocol.Protocol
    for by in ("frozen", "as-of"):
        assert (name, by) in PUBLISHED, "not in results/reproduce.json: run `make reproduce`"
        rows = score_rows.rows_of(protocol.run(model, split, by))
        row = next(r for r in rows if (r["part"], r["slice"]) == ("test", "all"))
        assert row["rmse"] == pytest.approx(PUBLISHED[name, by], abs=BAND), by
