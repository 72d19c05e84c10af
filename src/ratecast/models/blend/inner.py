"""Ratings of train that are held out, and what a model that has not seen them forecasts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.refreshing import pieces
from ratecast.modelling.contract.rows import time_groups
from ratecast.models.blend.shares import HeldForecasts
from ratecast.ratings import USER, Ratings

HELD_SHARE, MOST_HELD = 0.2, 50_000
# With fewer rows in a fifth, other fifths are held out too, up to all of them.
ENOUGH_HELD = 2_000

Make = Callable[[], Model]


class PartForecasts(NamedTuple):
    """Forecasts of one model of the held ratings, in stars.

    anywhere: of those drawn at random. later, walked: of the latest, frozen and as-of; empty where
    there are no times. history_length: of the users of those walked, before each.
    """

    anywhere: F64
    later: F64
    walked: F64
    history_length: I64


@dataclass(frozen=True)
class Held:
    """Splits of train: a fifth of the rows (at most 50,000) at random, and the latest fifth.

    anywhere: one split, and up to five where a fifth has less than 2,000 rows. by_time: None for a
    table without times.
    """

    anywhere: list[tuple[Ratings, Ratings]]
    by_time: tuple[Ratings, Ratings] | None

    @classmethod
    def of(cls, train: Ratings, seed: int) -> Self:
        """Of a table with two ratings or more."""
        count = max(1, min(int(HELD_SHARE * len(train)), MOST_HELD))
        fold = np.random.default_rng(seed).permutation(len(train)) // count
        folds = min(int(1 / HELD_SHARE), -(-ENOUGH_HELD // count))
        anywhere = [(train.take(fold != k), train.take(fold == k)) for k in range(folds)]
        return cls(anywhere, _latest(train, count) if train.timed else None)

    def forecasts(self, make: Make) -> PartForecasts:
        """Of the model that `make` gives, not fitted; it is fitted once for each split."""
        each = [_frozen(_fitted(make(), known), held) for known, held in self.anywhere]
        anywhere = np.concatenate(each)
        if self.by_time is None:
            return PartForecasts(anywhere, *(np.empty(0),) * 2, np.empty(0, np.int64))
        model = _fitted(make(), self.by_time[0])
        later = _frozen(model, self.by_time[1])
        if model.updates_online():
            return PartForecasts(anywhere, later, *_walked(model, *self.by_time))
        return PartForecasts(anywhere, later, later, _history(*self.by_time))

    def probe(self, make: Make, rows: int) -> None:
        """Fit a model on `rows` of the known ratings, and forecast as many others."""
        known, held = (part.take(slice(0, rows)) for part in self.anywhere[0])
        _frozen(_fitted(make(), known), held)

    def rmse(self, part: PartForecasts) -> tuple[float, float]:
        """RMSE in stars of frozen and of as-of forecasts; NaN without times."""
        rows, walked = self.frozen([part]), self.as_of([part])
        as_of = np.nan if walked is None else walked.rmse(walked.means[:, 0])
        return rows.rmse(rows.means[:, 0]), as_of

    def frozen(self, parts: list[PartForecasts]) -> HeldForecasts:
        """Frozen forecasts: of known users anywhere, of new ones among the latest rows too."""
        rows = _rows(self.anywhere, [part.anywhere for part in parts])
        if self.by_time is None:
            return rows
        later = _rows([self.by_time], [part.later for part in parts])
        return rows.followed_by(later.where(later.history_length == 0))

    def as_of(self, parts: list[PartForecasts]) -> HeldForecasts | None:
        """As-of forecasts of the latest rows, and frozen ones of users without a rating."""
        if self.by_time is None:
            return None
        rows = _rows([self.by_time], [part.walked for part in parts])
        rows = rows._replace(history_length=parts[0].history_length)
        frozen = self.frozen(parts)
        known = rows.where(rows.history_length > 0)
        return known.followed_by(frozen.where(frozen.history_length == 0))


def _latest(train: Ratings, count: int) -> tuple[Ratings, Ratings] | None:
    """The latest `count` rows, and those of the same second; None where that is all of them."""
    in_order = train.sorted()
    border = int(np.searchsorted(in_order.at, in_order.at[-count]))
    if border == 0:
        return None
    return in_order.take(slice(0, border)), in_order.take(slice(border, None))


def _fitted(model: Model, train: Ratings) -> Model:
    """Fitted, without star probabilities, which nobody asks for here."""
    model.fit_rows(model.begin_fit(train), None)
    return model


def _frozen(model: Model, held: Ratings) -> F64:
    return model.scale.clip(model.predict_rows(model.encode(held)).mean)


def _walked(model: Model, known: Ratings, held: Ratings) -> tuple[F64, I64]:
    walked = [
        model.walk_expected(piece, time_groups(piece))
        for _, piece in pieces(model, known, {"held": held})
    ]
    means = np.concatenate([expected.mean for expected, _, _ in walked])
    return model.scale.clip(means), np.concatenate([history for _, history, _ in walked])


def _rows(splits: list[tuple[Ratings, Ratings]], means: list[F64]) -> HeldForecasts:
    stars = np.concatenate([held.stars for _, held in splits]).astype(float)
    history = np.concatenate([_history(known, held) for known, held in splits])
    return HeldForecasts(np.column_stack(means), stars, history)


def _history(known: Ratings, held: Ratings) -> I64:
    """Ratings in `known` of the user of each held row: (n,)."""
    counts = known.frame.group_by(USER).len()
    joined = held.frame.select(USER).join(counts, on=USER, how="left", maintain_order="left")
    return joined["len"].fill_null(0).cast(int).to_numpy()
