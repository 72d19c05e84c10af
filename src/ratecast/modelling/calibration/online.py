"""Star probabilities that stay calibrated while the model hears: how people rate drifts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64, I64
from ratecast.modelling.calibration.ordered_probit import StarNoise, fill
from ratecast.ratings import Scale

WINDOW = 8_000
FEWEST, SHARE = 1_000, 0.01
NOISES = ("strangers", "noise", "anchor")
PACKED = (
    *("mean", "deviation", "window_heard", "star", "counts", "place"),
    *(f"{name}.{part}" for name in NOISES for part in ("curves", "spreads")),
)


@dataclass(frozen=True)
class Outcomes:
    """Forecasts and the stars that came: mean, deviation (stars; 1 where unknown), heard, star."""

    mean: F64
    deviation: F64
    heard: I64
    star: I64

    def __len__(self) -> int:
        return len(self.mean)

    def last(self, count: int) -> "Outcomes":
        """The newest rows."""
        return self.take(slice(max(len(self) - count, 0), None))

    def noise(self, anchor: StarNoise, begin: StarNoise | None = None) -> StarNoise:
        """What these rows say of the stars' spread, pulled to `anchor`."""
        return anchor.fitted(self.mean, self.heard, self.star, self.deviation, begin=begin)

    def where(self, mask: NDArray[np.bool_]) -> "Outcomes":
        """Only the rows where `mask` is true."""
        return Outcomes(*(a[mask] for a in self._columns()))

    def take(self, part: slice | I64) -> "Outcomes":
        """Only these rows."""
        return Outcomes(*(a[part] for a in self._columns()))

    def followed_by(self, other: "Outcomes") -> "Outcomes":
        """These rows, then the others."""
        pairs = zip(self._columns(), other._columns(), strict=True)
        return Outcomes(*(np.concatenate(pair) for pair in pairs))

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self.mean, self.deviation, self.heard, self.star


@dataclass
class Calibration:
    """A `StarNoise` that is fitted again to the newest forecasts and what came of them.

    strangers: for users of whom nothing was heard; it stays. noise: in force for the others.
    anchor: what validation fitted, which each new fit is pulled to. window: the newest 8,000 rows
    heard. total: rows learned from. due: rows heard since the last fit; at 1,000, or 1 % of all
    rows, it is fitted again, between two moments, so that a forecast rests on earlier ratings
    only. A table that grows tenfold has some 230 fits.
    Reference: Dawid 1984, "Present position and potential developments: the prequential approach".
    """

    strangers: StarNoise
    noise: StarNoise
    anchor: StarNoise
    window: Outcomes
    total: int
    due: int = 0

    @classmethod
    def flat(cls, scale: Scale, total: int) -> "Calibration":
        """Trusts the deviations that the model gives."""
        flat, none = StarNoise.flat(scale), np.empty(0)
        counts = np.empty(0, np.int64)
        return cls(flat, flat, flat, Outcomes(none, none, counts, counts), total)

    def fitted(self, cold: Outcomes, told: Outcomes) -> "Calibration":
        """To forecasts and what came: of strangers in `cold_start`, of the others in `told`."""
        strangers, others = cold.where(cold.heard == 0), told.where(told.heard > 0)
        noise = others.noise(self.noise) if len(others) else strangers.noise(self.noise)
        first = strangers.noise(self.noise) if len(strangers) else noise
        return Calibration(first, noise, noise, others.last(WINDOW), self.total)

    @classmethod
    def unpacked(cls, arrays: dict[str, NDArray[Any]]) -> "Calibration":
        """Take out of `arrays` what `packed` gave."""
        own = {name: arrays.pop(f"calibration.{name}") for name in PACKED}
        centre, unit = own["place"]
        strangers, noise, anchor = (
            StarNoise(own[f"{name}.curves"], own[f"{name}.spreads"], centre, unit)
            for name in NOISES
        )
        window = Outcomes(own["mean"], own["deviation"], own["window_heard"], own["star"])
        total, due = (int(count) for count in own["counts"])
        return cls(strangers, noise, anchor, window, total, due)

    def packed(self) -> dict[str, NDArray[Any]]:
        """As named arrays."""
        window = self.window
        noises = zip(NOISES, (self.strangers, self.noise, self.anchor), strict=True)
        own = {"mean": window.mean, "deviation": window.deviation, "window_heard": window.heard}
        own |= {"star": window.star, "counts": np.array([self.total, self.due])}
        own |= {"place": np.array([self.noise.centre, self.noise.unit])}
        for name, noise in noises:
            own |= {f"{name}.curves": noise.curves, f"{name}.spreads": noise.spreads}
        return {f"calibration.{name}": value for name, value in own.items()}

    @property
    def every(self) -> int:
        """After how many rows heard the next fit is due."""
        return max(FEWEST, int(SHARE * (self.total - self.due)))

    def probabilities(self, mean: F64, heard: I64, deviation: F64 | None) -> F64:
        """Probability of each star: (n, S), rows sum to 1."""
        found = np.empty((len(mean), len(self.noise.curves) + 1))
        fill(found, (self.strangers, self.noise), (mean, heard, deviation))
        return found

    def hear(self, told: Outcomes) -> None:
        """Take up the rows of one moment, and fit again if that is due."""
        newest = np.flatnonzero(told.heard)[-WINDOW:]
        self.window = self.window.followed_by(told.take(newest)).last(WINDOW)
        self.total, self.due = self.total + len(told), self.due + len(told)
        if self.due >= self.every:
            self.noise, self.due = self.window.noise(self.anchor, self.noise), 0

    def walk(self, told: Outcomes, edges: I64) -> F64:
        """Probabilities of each row, (n, S), told moment by moment (`edges`: borders)."""
        answers, start = np.empty((len(told), len(self.noise.curves) + 1)), 0
        while start < len(told):
            due_at = start + self.every - self.due
            stop = int(edges[min(int(np.searchsorted(edges, due_at)), len(edges) - 1)])
            piece = told.take(slice(start, stop))
            asked = piece.mean, piece.heard, piece.deviation
            fill(answers[start:stop], (self.strangers, self.noise), asked)
            self.hear(piece)
            start = stop
        return answers
