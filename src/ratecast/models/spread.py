"""How the stars spread around what a model expects: what its calibration begins with."""

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from ratecast.models.calibration import WINDOW, Calibration
from ratecast.models.rows import moments
from ratecast.ratings import Ratings

if TYPE_CHECKING:
    from ratecast.models.base import Model

HEARD_ROWS = 50_000
CALIBRATED_ROWS = 1_000_000


def calibrated(model: "Model", train: Ratings, valid: Ratings | None) -> Calibration:
    """Spread of the stars around forecasts of `valid`; as-of ones, if the model can hear.

    model: fitted on `train`, whose rows stand in where there is no `valid` and the model knows no
    deviation of its own.
    """
    flat = Calibration.flat(model.scale, len(train))
    first = model._rows(train.take(slice(0, 1)))
    if valid is None and model._expect(first).deviation is not None:
        return flat
    table = _thinned(train if valid is None else valid)
    rows = model._rows(table)
    frozen = told = model._compared(model._expect(rows), model._heard[rows.users], table)
    if valid is not None and valid.timed and model.listens():
        stream = valid.sorted().take(slice(0, HEARD_ROWS))
        later, heard, _ = deepcopy(model)._told(stream, moments(stream))
        told = model._compared(later, heard, stream)
    return flat.fitted(frozen, told)


def _thinned(table: Ratings) -> Ratings:
    """So many rows as tell the spread of the stars, from all of the table; the newest all stay."""
    if len(table) <= CALIBRATED_ROWS:
        return table
    newest = len(table) - WINDOW
    spread = np.linspace(0, newest, CALIBRATED_ROWS - WINDOW, endpoint=False, dtype=np.int64)
    return table.take(np.concatenate([spread, np.arange(newest, len(table))]))
