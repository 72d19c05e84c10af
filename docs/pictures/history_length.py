"""Draws the error by history length: python docs/pictures/history_length.py."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.atomic_write import write_text
from ratecast.metrics.history_groups import HISTORIES
from ratecast.plots.canvas import pens
from ratecast.plots.scores import rmse_by

ROOT = Path(__file__).parent.parent.parent
PICTURE = ROOT / "docs" / "pictures" / "history_length.svg"
MODELS = ("blend", "als", "bias", "mean")
LABELS = dict(zip(HISTORIES, ("0", "1-5", "6-20", "21+"), strict=True))


@dataclass(frozen=True)
class Bin:
    """RMSE of every model on the n test rows with one range of history lengths."""

    label: str
    n: int
    rmse: NDArray[np.float64]
    interval: NDArray[np.float64]


def history_length(rows: list[dict[str, Any]]) -> str:
    """SVG: as-of RMSE on the test part, by how many ratings of the user the model had observed."""
    picture = rmse_by(
        MODELS,
        [_bin(rows, name) for name in HISTORIES],
        pens(MODELS),
        "history length, in ratings of the user",
    )
    return replace(picture, words="As-of test RMSE by history length").file()


def _bin(rows: list[dict[str, Any]], name: str) -> Bin:
    wanted = ("as-of", "test", name)
    keys = ("protocol", "part", "slice")
    by_model = {row["model"]: row for row in rows if tuple(row[k] for k in keys) == wanted}
    rmse = np.array([by_model[model]["rmse"] for model in MODELS])
    # The results file holds means over seeds, without intervals.
    no_interval = np.full((len(MODELS), 2), np.nan)
    return Bin(LABELS[name], by_model[MODELS[0]]["n"], rmse, no_interval)


if __name__ == "__main__":
    results = json.loads((ROOT / "results" / "reproduce.json").read_text("utf-8"))
    write_text(PICTURE, history_length(results["rows"]))
