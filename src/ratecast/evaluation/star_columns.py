"""The columns p_1, p_2, ... of a table of forecasts: the probability of each star."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I64
from ratecast.errors import InputError
from ratecast.ratings import Scale

_NAME = re.compile(r"p_\d+(\.\d+)?")
# By how much the sum of rounded probabilities may be off.
_ROUNDED = 0.01


def names(columns: Sequence[str], scale: Scale, where: str) -> list[str]:
    """Names of the columns of probabilities, one for each star; none if there are none.

    Raises `InputError` where only some of the stars have one. A continuous scale has none.
    """
    wanted = [] if scale.is_continuous else [f"p_{star:g}" for star in scale.stars]
    missing = [name for name in wanted if name not in columns]
    found = [name for name in columns if _NAME.fullmatch(name)]
    if missing and found:
        raise InputError(
            f"{where}: probabilities {', '.join(found)}, but no {missing[0]}; give one for each "
            f"star of the scale {scale}, or none"
        )
    return [] if missing else wanted


def check(probabilities: NDArray[np.floating], places: I64, where: str) -> None:
    """Refuse rows, (n, S), that are no probabilities. places: of each in the table, (n,)."""
    wrong = probabilities.min(axis=1) < 0
    wrong |= np.abs(probabilities.sum(axis=1) - 1) > _ROUNDED
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{where}: the probabilities of {wrong.sum():,} of {len(wrong):,} rows are below 0 or "
            f"do not sum to 1, the first in row {places[row] + 1}: sum "
            f"{probabilities[row].sum():g}, least {probabilities[row].min():g}; correct them"
        )
