"""Which rows of a large table the first calibration uses."""

import numpy as np

from ratecast.modelling.calibration.online import WINDOW
from ratecast.ratings import Ratings

HISTORY_ROWS = 50_000
CALIBRATION_ROWS = 1_000_000


def sample(table: Ratings) -> Ratings:
    """At most `CALIBRATION_ROWS` rows, evenly spaced, with all of the newest `WINDOW` rows."""
    if len(table) <= CALIBRATION_ROWS:
        return table
    newest = len(table) - WINDOW
    even = np.linspace(0, newest, CALIBRATION_ROWS - WINDOW, endpoint=False, dtype=np.int64)
    return table.take(np.concatenate([even, np.arange(newest, len(table))]))
