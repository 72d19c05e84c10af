"""Rating scales: stars in steps or a continuous range, given or inferred from ratings."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import Any, Self, TypeVar

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ratecast.errors import InputError

MOST_STARS = 101
CONTINUOUS = "continuous"
# Of a continuous scale; probabilities are constant inside a cell.
CELLS = 64
_RANGES = 16
# Steps that are recognised, widest first; those over 1 only where a rating is over 10.
_STEPS = (10.0, 5.0, 1.0, 0.5, 0.25, 0.2, 0.1, 0.05)
_TEN = 10.0
# Ratings are stored in single precision.
_ROUNDING = 1e-6

T = TypeVar("T", bound=np.number)


@dataclass(frozen=True)
class Scale:
    """A rating scale: the stars low, low + step, ..., high, or every number from low to high.

    step: None for a continuous scale. Its range is divided into `CELLS` cells of one width, which
    take the place of the stars: a forecast has a probability for each.

    >>> import ratecast as rc
    >>> rc.Scale(0.5, 5, 0.5).stars[:3]
    array([0.5, 1. , 1.5])
    >>> str(rc.Scale(-10, 10, None))
    '-10:10:continuous'
    """

    low: float
    high: float
    step: float | None = 1.0

    def __post_init__(self) -> None:
        finite = isfinite(self.low) and isfinite(self.high)
        if not (finite and self.high > self.low and (self.step is None or self.step > 0)):
            raise InputError(f"scale {self}: give low < high and step > 0")
        if self.step is None:
            return
        count = (self.high - self.low) / self.step
        if abs(count - round(count)) > 1e-9 or round(count) >= MOST_STARS:
            raise InputError(
                f"scale {self}: high - low must be a multiple of step, under {MOST_STARS} steps; "
                f"or write {_number(self.low)}:{_number(self.high)}:{CONTINUOUS}"
            )

    def __str__(self) -> str:
        step = CONTINUOUS if self.step is None else _number(self.step)
        return f"{_number(self.low)}:{_number(self.high)}:{step}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `low:high`, `low:high:step` or `low:high:continuous`, for example `0.5:5:0.5`."""
        parts = text.split(":")
        try:
            low, high = float(parts[0]), float(parts[1])
            step = None if parts[2:] == [CONTINUOUS] else cls._step(parts[2:])
        except (IndexError, ValueError):
            raise InputError(
                f"scale {text!r}: write it as low:high:step, as in 0.5:5:0.5, or as "
                f"low:high:{CONTINUOUS}"
            ) from None
        return cls(low, high, step)

    @staticmethod
    def _step(parts: list[str]) -> float:
        (step,) = parts or ["1"]
        return float(step)

    @classmethod
    def infer(cls, ratings: pl.Series) -> Self:
        """The scale of the widest recognised step that all `ratings` are on, else a continuous one.

        It begins at its first step above 0 (1:5:1 for ratings from 2 to 5), or at a whole number
        where a rating is 0 or less, and ends at a whole number; with that it may have at most 101
        stars, or it begins at the lowest rating. A step over 1 counts in place of the whole
        number, and is recognised only where a rating is over 10. A continuous scale goes from the
        lowest to the highest rating.
        """
        values = ratings.drop_nulls().unique().to_numpy().astype(np.float64)
        if not len(values) or not np.isfinite(values).all():
            raise InputError("ratings: empty or not finite; give the scale as low:high:step")
        low, high = float(values.min()), float(values.max())
        for step in _STEPS if high > _TEN else _STEPS[_STEPS.index(1) :]:
            ends = _ends(step, low, high)
            stepped = None if ends is None else cls(*ends, step)
            if stepped and stepped.holds(pl.Series(values)).all():
                return stepped
        return cls._continuous(values)

    @classmethod
    def _continuous(cls, values: NDArray[np.float64]) -> Self:
        # Seven digits: those of a rating in single precision.
        low, high = (float(f"{end:.7g}") for end in (values.min(), values.max()))
        return cls(low, high, None) if low < high else cls(floor(low), floor(low) + 1, None)

    @property
    def is_continuous(self) -> bool:
        """Whether every number from low to high is a rating."""
        return self.step is None

    @cached_property
    def stars(self) -> NDArray[np.float64]:
        """Every star in ascending order, or the middle of every cell: (S,), read-only."""
        if self.step is None:
            stars: NDArray[Any] = self.low + self.cell_width * (np.arange(CELLS) + 0.5)
        else:
            count = round((self.high - self.low) / self.step) + 1
            stars = np.round(self.low + self.step * np.arange(count), 6)
        stars.setflags(write=False)
        return stars

    @property
    def unit(self) -> float:
        """What settings in stars count as one star: a star, or a quarter of a continuous scale."""
        return 1.0 if self.step is not None else (self.high - self.low) / 4

    @property
    def cell_width(self) -> float:
        """Width of a cell of a continuous scale."""
        return (self.high - self.low) / CELLS

    @cached_property
    def labels(self) -> list[str]:
        """What people are shown: every star, or the ranges of a continuous scale."""
        if self.step is not None:
            return [f"{star:g}" for star in self.stars]
        edges = np.linspace(self.low, self.high, _RANGES + 1)
        return [f"{low:.5g} to {high:.5g}" for low, high in pairwise(edges)]

    def shown(self, values: NDArray[T]) -> NDArray[T]:
        """Sums for each of `labels`, (..., labels), of values of each of `stars`, (..., S)."""
        if self.step is not None:
            return values
        sums: NDArray[T] = values.reshape(*values.shape[:-1], _RANGES, -1).sum(axis=-1)
        return sums

    def index(self, ratings: ArrayLike) -> NDArray[np.int64]:
        """Position of each rating in `stars`: its star, or its cell."""
        given = np.asarray(ratings, float) - self.low
        if self.step is None:
            return np.clip(given / self.cell_width, 0, CELLS - 1).astype(np.int64)
        return np.rint(given / self.step).astype(np.int64)

    def clip(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values clipped to [low, high]."""
        clipped: NDArray[np.float64] = np.clip(np.asarray(values, float), self.low, self.high)
        return clipped

    def given(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Stored ratings as they were given: on a continuous scale without rounding errors.

        These are in the eighth digit, from single precision.
        """
        if self.step is not None:
            return values
        return np.array([float(f"{value:.7g}") for value in values])

    def holds(self, ratings: pl.Series) -> pl.Series:
        """Whether each rating is one of the scale; false for NaN and null."""
        # By numpy: for the few rows that a service checks at a time, a tenth of the time.
        known = ratings.dtype.is_float() or ratings.dtype.is_integer()
        values = (ratings if known else ratings.cast(pl.Float64)).to_numpy().astype(np.float64)
        if self.step is None:
            edge = _ROUNDING * max(abs(self.low), abs(self.high))
            return pl.Series((values >= self.low - edge) & (values <= self.high + edge))
        with np.errstate(invalid="ignore"):
            steps = (values - self.low) / self.step
            on_step = np.abs(steps - np.rint(steps)) < 1e-4
        return pl.Series(on_step & (values >= self.low - 1e-6) & (values <= self.high + 1e-6))

    def nearest(self, rating: float) -> float | None:
        """The rating as it is stored, for a single one; None where the scale does not hold it.

        >>> Scale(1, 5, 1).nearest(4.00001), Scale(1, 5, 1).nearest(4.5)
        (4.0, None)
        """
        if self.step is None:
            edge = _ROUNDING * max(abs(self.low), abs(self.high))
            inside = self.low - edge <= rating <= self.high + edge
            return min(max(float(rating), self.low), self.high) if inside else None
        if not self.low - 1e-6 <= rating <= self.high + 1e-6:
            return None
        steps = (rating - self.low) / self.step
        return float(self.stars[round(steps)]) if abs(steps - round(steps)) < 1e-4 else None

    def remedy(self, ratings: pl.Series) -> str:
        """What to do about the first of `ratings` that is not on this scale, for people."""
        values = ratings.cast(pl.Float64).rename("")
        values = values.filter(values.is_finite())
        if self.holds(values).all():
            return "correct or remove it"
        return f"correct or remove it, or give --scale={self._with(values)} (scale= in Python)"

    def _with(self, values: pl.Series) -> "Scale":
        """A scale that holds every rating of this one, and `values` too."""
        if self.step is None:
            both = pl.concat([pl.Series([self.low, self.high]), values])
            return Scale._continuous(both.to_numpy()).rounded()
        return Scale.infer(pl.concat([pl.Series(self.stars), values]))

    def rounded(self) -> "Scale":
        """The continuous scale between round numbers at or beyond the ends of this one."""
        unit = 10.0 ** floor(log10(self.high - self.low)) / 2
        low, high = floor(self.low / unit) * unit, ceil(self.high / unit) * unit
        return Scale(round(low, 9), round(high, 9), None)

    def assumption(self, ratings: pl.Series) -> str:
        """What `infer` assumed of `ratings`, for people; empty where they have both ends of it."""
        values = ratings.to_numpy()
        low, high = (f"{float(end):.7g}" for end in (values.min(), values.max()))
        if self.step is None:
            wider = self.rounded()
            hint = (
                f"; give --scale={wider} (scale= in Python) if there are others"
                if wider != self
                else ""
            )
            return f"ratings are taken as continuous from {low} to {high}{hint}"
        if (low, high) == (_number(self.low), _number(self.high)):
            return ""
        given = f"from {low} to {high}" if low != high else f"that are all {low}"
        return (
            f"ratings {given} are taken as on the scale {self}; give --scale=low:high:step (scale= "
            "in Python) if it is another"
        )


def _number(value: float) -> str:
    return f"{value:.12g}"


def _ends(step: float, low: float, high: float) -> tuple[float, float] | None:
    """The ends of an inferred scale; None if it would have too many stars."""
    whole = max(step, 1.0)
    below = floor(round(low / whole, 6)) * whole
    for first in (step if low > _ROUNDING else below, below or step):
        last = max(ceil(round(high / whole, 6)) * whole, first + step)
        if round((last - first) / step) < MOST_STARS:
            return first, last
    return None
