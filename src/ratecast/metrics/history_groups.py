"""Groups of forecasts by history length, between the edges of the calibration."""

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I64
from ratecast.modelling.calibration.probit_kernel import HISTORY_EDGES

HISTORIES = ("history-0", "history-1-5", "history-6-20", "history-over-20")


def history_groups(history_length: I64) -> NDArray[np.int8]:
    """The place in `HISTORIES` of each forecast: (n,).

    history_length: (n,), the number of the user's ratings that the forecast used.

    >>> history_groups(np.array([0, 5, 6, 21])).tolist()
    [0, 1, 2, 3]
    """
    return np.digitize(history_length, HISTORY_EDGES).astype(np.int8)
