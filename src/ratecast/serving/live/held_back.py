"""Recent ratings held back from a refit, so that its training can be compared with what is served.

A refit learns every stored rating, so that none is left to compare it on. Therefore a second fit
with the same settings stops earlier, forecasts each later rating as of just before it, and stands
for the refit in the comparison. Its forecasts are kept beside the artifact, without ids or stars
that were given.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.atomic_write import write_text
from ratecast.serving.quality.comparison import LEAST_ROWS
from ratecast.serving.quality.recent import KEPT, RecentRows
from ratecast.serving.store.database import StoredEvents

HELD_BACK = "held_back.json"


class AsOfStars(NamedTuple):
    """Forecasts as of just before their ratings, in stars, by sequence number: (n,) each."""

    seq: I64
    stars: F64


def held_back_after(stored: StoredEvents, learned_to: int) -> int | None:
    """The number of the last stored event that the second fit learns; None if there is none.

    The newer half of the ratings that the served model did not learn is held back, and at most as
    many as are kept for comparisons. Fewer than a test needs are not worth a fit.
    learned_to: the last stored event that the served model was fitted on.
    """
    numbers = [event.seq for event in stored.ratings if event.seq > learned_to]
    count = min(len(numbers) // 2, KEPT)
    return numbers[-count - 1] if count >= LEAST_ROWS else None


def until(stored: StoredEvents, seq: int) -> StoredEvents:
    """The stored events without later ratings; what was removed later stays removed."""
    ratings = [event for event in stored.ratings if event.seq <= seq]
    return replace(stored, ratings=ratings, last=seq)


def write_held_back(folder: Path, rows: RecentRows) -> None:
    """Keep the forecasts of the second fit beside the artifact in `folder`."""
    columns = {"seq": rows.seq.tolist(), "stars": rows.forecast.stars.tolist()}
    write_text(folder / HELD_BACK, json.dumps(columns) + "\n")


def as_of_stars(folder: Path, rows: RecentRows | None) -> AsOfStars:
    """The forecasts of `rows`, and those of the second fit, if the artifact in `folder` had one."""
    none = AsOfStars(np.zeros(0, np.int64), np.zeros(0))
    own = none if rows is None else AsOfStars(rows.seq, rows.forecast.stars)
    if not (folder / HELD_BACK).exists():
        return own
    columns = json.loads((folder / HELD_BACK).read_text())
    kept = AsOfStars(np.array(columns["seq"], np.int64), np.array(columns["stars"], np.float64))
    return AsOfStars(*(np.concatenate(pair) for pair in zip(kept, own, strict=True)))
