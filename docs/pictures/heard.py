"""Draws the error by ratings heard, from the results file: python docs/pictures/heard.py."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.atomic_write import write_text
from ratecast.evaluation.score_rows import HISTORIES
from ratecast.plots.canvas import pens
from ratecast.plots.scores import rmse_by

ROOT = Path(__file__).parent.parent.parent
PICTURE = ROOT / "docs" / "pictures" / "heard.svg"
MODELS = ("blend", "als", "bias", "mean")
LABELS = dict(zip(HISTORIES, ("0", "1-5", "6-20", "21+"), strict=True))


@dataclass(frozen=True)
class Heard:
    """RMSE of every model on the rows before which so many of the user's ratings were heard."""

    label: str
    n: int
    rmse: NDArray[np.float64]
    interval: NDArray[np.float64]


def heard(rows: list[dict[str, Any]]) -> str:
    """SVG: as-of RMSE on the test part, by how many of the user's ratings the model had heard."""
    picture = rmse_by(
        MODELS, [_bin(rows, name) for name in HISTORIES], pens(MODELS), "ratings heard"
    )
    return replace(picture, words="As-of test RMSE by ratings heard of the user").file()


def _bin(rows: list[dict[str, Any]], name: str) -> Heard:
    wanted = ("as-of", "test", name)
    keys = ("protocol", "part", "slice")
    found = {row["model"]: row for row in rows if tuple(row[k] for k in keys) == wanted}
    rmse = np.array([found[model]["rmse"] for model in MODELS])
    # The results file holds means over seeds, without intervals.
    unsure = np.full((len(MODELS), 2), np.nan)
    return Heard(LABELS[name], found[MODELS[0]]["n"], rmse, unsure)


if __name__ == "__main__":
    results = json.loads((ROOT / "results" / "reproduce.json").read_text("utf-8"))
    write_text(PICTURE, heard(results["rows"]))
