"""Ratings of train that are held out, and what a model that has not seen them forecasts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial, reduce
from typing import NamedTuple, Self, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.refreshing import pieces
from ratecast.modelling.contract.rows import time_groups
from ratecast.modelling.contract.shared_fits import computed_once, described
from ratecast.models.blend.shares import HeldForecasts, Shares
from ratecast.ratings import USER, Ratings

# Of the users, all of whose ratings are held out, and of the other ratings; each at most so many.
USER_SHARE, ROW_SHARE, MOST_HELD = 0.1, 0.15, 25_000
LATEST_SHARE, FEW_USERS = 0.2, 10
# With fewer rows that are held out once, others are held out too.
ENOUGH_HELD, MOST_FOLDS = 2_000, 5
# A part with less of the forecast than this is not fitted.
LEAST_SHARE = 0.03

Make = Callable[[], Model]
# Rows to learn from, and others to forecast.
Split = tuple[Ratings, Ratings]
T = TypeVar("T")


class PartForecasts(NamedTuple):
    """Forecasts of one model of the held ratings, in stars.

    anywhere: frozen, of those drawn at random, and their deviations, 0 where the model gives none.
    walked: as-of, of the latest; empty where there are no times. history_length: of the users of
    those walked, before each.
    """

    anywhere: F64
    deviation: F64
    walked: F64
    history_length: I64


@dataclass(frozen=True)
class Held:
    """Splits of train.

    anywhere: without a tenth of the users, and without 15 % of the ratings of the others (of each
    at most 25,000 rows): one split, and up to five where that is less than 2,000 rows. These users
    are new ones of all times: those of the latest rows alone would tell how people rated just then.
    by_time: without the latest fifth; None for a table without times.
    """

    anywhere: list[Split]
    by_time: Split | None

    @classmethod
    def of(cls, train: Ratings, seed: int) -> Self:
        """Of a table with a few ratings or more."""
        random, rows = np.random.default_rng(seed), len(train)
        users = train.frame[USER].rank("dense").to_numpy().astype(np.int64) - 1
        user_share, row_share = (min(s, MOST_HELD / rows) for s in (USER_SHARE, ROW_SHARE))
        of_user, of_row = random.random(users.max() + 1)[users], random.random(rows)
        # Of a few users none can be spared: one may have given all ratings.
        user_share = user_share if users.max() >= FEW_USERS else 0.0
        folds = min(MOST_FOLDS, -(-ENOUGH_HELD // max(int((user_share + row_share) * rows), 1)))
        anywhere = []
        for k in range(folds):
            held = _between(of_user, k, user_share) | _between(of_row, k, row_share)
            anywhere.append((train.take(~held), train.take(held)))
        count = max(1, min(int(LATEST_SHARE * rows), 2 * MOST_HELD))
        return cls(
            [split for split in anywhere if all(map(len, split))],
            _latest(train, count) if train.timed else None,
        )

    def forecasts(self, make: Make) -> PartForecasts:
        """Of the model that `make` gives, not fitted; it is fitted once for each split."""
        each = [_once(_fitted_frozen, make, split) for split in self.anywhere]
        mean, deviation = (np.concatenate(columns) for columns in zip(*each, strict=True))
        if self.by_time is None:
            return PartForecasts(mean, deviation, np.empty(0), np.empty(0, np.int64))
        return PartForecasts(mean, deviation, *_once(_fitted_as_of, make, self.by_time))

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
        """Frozen forecasts of the rows that are held out anywhere."""
        return self._anywhere_rows._replace(means=np.column_stack([p.anywhere for p in parts]))

    @cached_property
    def _anywhere_rows(self) -> HeldForecasts:
        return _rows(self.anywhere)

    @cached_property
    def _latest_rows(self) -> HeldForecasts:
        assert self.by_time is not None
        return _rows([self.by_time])

    def given(self) -> Ratings:
        """The ratings that `frozen` forecasts."""
        first, *others = (held for _, held in self.anywhere)
        return reduce(Ratings.with_more, others, first)

    def deviations(self, parts: list[PartForecasts]) -> HeldForecasts:
        """As `frozen`, with deviations in the place of means."""
        return self._anywhere_rows._replace(means=np.column_stack([p.deviation for p in parts]))

    def as_of(self, parts: list[PartForecasts]) -> HeldForecasts | None:
        """As-of forecasts of the latest rows, and frozen ones of users without a rating."""
        if self.by_time is None:
            return None
        means = np.column_stack([part.walked for part in parts])
        rows = self._latest_rows._replace(means=means, history_length=parts[0].history_length)
        frozen = self.frozen(parts)
        known = rows.where(rows.history_length > 0)
        return known.followed_by(frozen.where(frozen.history_length == 0))


def learned_shares(
    held: Held, forecasts: list[PartForecasts], start: Shares
) -> tuple[Shares, Shares]:
    """Shares of frozen and of as-of forecasts, without the parts that have hardly any."""
    frozen, as_of = held.frozen(forecasts), held.as_of(forecasts)
    return (
        _without_small(start, frozen),
        _without_small(start, frozen if as_of is None else as_of),
    )


def _without_small(start: Shares, held: HeldForecasts) -> Shares:
    kept = start.learned(held).without(LEAST_SHARE).names
    columns = [start.names.index(name) for name in kept]
    return start.only(kept).learned(held.of_parts(columns))


def _between(numbers: F64, fold: int, share: float) -> NDArray[np.bool_]:
    return (numbers >= fold * share) & (numbers < (fold + 1) * share)


def _latest(train: Ratings, count: int) -> Split | None:
    """The latest `count` rows, and those of the same second; None where that is all of them."""
    in_order = train.sorted()
    border = int(np.searchsorted(in_order.at, in_order.at[-count]))
    if border == 0:
        return None
    return in_order.take(slice(0, border)), in_order.take(slice(border, None))


def _fitted(model: Model, train: Ratings) -> Model:
    """Fitted, without star probabilities, which are not needed here."""
    model.fit_rows(model.begin_fit(train), None)
    return model


def _once(forecast: Callable[[Make, Split], T], make: Make, split: Split) -> T:
    """Of a model of these settings and this split, computed once where runs share fits."""
    tables = [part.fingerprint() for part in split]
    return computed_once(
        (forecast.__name__, *described(make()), tables), partial(forecast, make, split)
    )


def _fitted_frozen(make: Make, split: Split) -> tuple[F64, F64]:
    known, held = split
    return _frozen(_fitted(make(), known), held)


def _fitted_as_of(make: Make, split: Split) -> tuple[F64, I64]:
    """As-of forecasts of the held rows, frozen ones of a model that cannot be updated."""
    known, held = split
    model = _fitted(make(), known)
    if model.updates_online():
        return _walked(model, known, held)
    latest, _ = _frozen(model, held)
    return latest, _history(known, held)


def _frozen(model: Model, held: Ratings) -> tuple[F64, F64]:
    expected = model.predict_rows(model.encode(held))
    none = np.zeros(len(held))
    return model.scale.clip(
        expected.mean
    ), none if expected.deviation is None else expected.deviation


def _walked(model: Model, known: Ratings, held: Ratings) -> tuple[F64, I64]:
    walked = [
        model.walk_expected(piece, time_groups(piece))
        for _, piece in pieces(model, known, {"held": held})
    ]
    means = np.concatenate([piece.expected.mean for piece in walked])
    return model.scale.clip(means), np.concatenate([piece.history for piece in walked])


def _rows(splits: list[Split]) -> HeldForecasts:
    """The held rows of these splits, without forecasts: they are the same for every model."""
    stars = np.concatenate([held.stars for _, held in splits]).astype(float)
    history = np.concatenate([_history(known, held) for known, held in splits])
    users = pl.concat([held.frame[USER] for _, held in splits]).rank("dense")
    return HeldForecasts(np.empty((len(stars), 0)), stars, history, users.cast(int).to_numpy())


def _history(known: Ratings, held: Ratings) -> I64:
    """Ratings in `known` of the user of each held row: (n,)."""
    counts = known.frame.group_by(USER).len()
    joined = held.frame.select(USER).join(counts, on=USER, how="left", maintain_order="left")
    return joined["len"].fill_null(0).cast(int).to_numpy()
