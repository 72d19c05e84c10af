"""The RMSE of each model on real ratings, of the whole table or of a small one.

python -m tests.models.bands [MODEL ...] writes the figures of the small table, small.json.
"""

import json
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ratecast import data
from ratecast.evaluation import protocol, score_rows
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import Rows
from ratecast.models.blend.model import KNOWN_USERS, NEW_USERS, Blend
from ratecast.ratings import Ratings
from ratecast.splits import Split, chronological
from ratecast.training import make_model

PARTS = tuple(dict.fromkeys([*KNOWN_USERS, *NEW_USERS]))
# These take long on the whole table, or have no published figures: they are held to figures of
# its earliest ratings.
ON_SMALL = (*(name for name in PARTS if name != "als"), "blend", "attention", "variational_mf")
SMALL_ROWS = 20_000
# Enough epochs to see that it learns.
SETTINGS: dict[str, dict[str, Any]] = {"attention": {"trainer": {"epochs": 5}}}
FIGURES = Path(__file__).parent / "small.json"

Fit = Callable[[str], Model]


def split_of(table: Ratings, *, small: bool) -> Split:
    """Train and valid of the chronological split, valid in the place of test."""
    earliest = np.arange(len(table)) < SMALL_ROWS
    whole = chronological(table.sorted().take(earliest) if small else table)
    assert whole.valid is not None
    return Split("chronological", whole.train, None, whole.valid)


class SharedBlend(Blend):
    """A blend whose parts come from `fitted`, so that none is fitted twice."""

    fitted: Fit

    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        assert isinstance(train.table, Ratings)
        self.shares = self.shares_of(train.table, PARTS)
        self.parts = {name: deepcopy(self.fitted(name)) for name in PARTS}


def fits(split: Split) -> Fit:
    """Each model, fitted once."""

    @cache
    def fit(name: str) -> Model:
        model = make_model(name, **SETTINGS.get(name, {}))
        if name == "blend":
            model = SharedBlend(learn_shares=False)
            model.fitted = fit
        return model.fit(split.train, split.test)

    return fit


def rmse(model: Model, split: Split) -> dict[str, float]:
    """The RMSE over all rows, in stars, by each protocol that the model and the split allow."""
    figures: dict[str, float] = {}
    for by in protocol.possible(model, split):
        rows = score_rows.rows_of(protocol.run(deepcopy(model), split, by))
        figures[by] = next(r for r in rows if (r["part"], r["slice"]) == ("test", "all"))["rmse"]
    return figures


def main(names: list[str]) -> None:
    """Measure the models on the small table, all without names, and write the figures."""
    split = split_of(data.load("ml-100k"), small=True)
    fit = fits(split)
    figures: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for name in names or ON_SMALL:
        figures[name] = rmse(fit(name), split)
        print(name, figures[name], flush=True)
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
