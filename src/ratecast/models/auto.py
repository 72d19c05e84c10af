"""A model that chooses itself: the best of several, or their weighted mean, for the table at hand.

Reference: Breiman 1996, "Stacked regressions"; Kotthoff et al. 2017, "Auto-WEKA 2.0" (selection
within a budget).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
from typing_extensions import override

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.settings import ABOVE_ZERO, Limits
from ratecast.models.bias import Bias
from ratecast.models.blend.inner import Held, PartForecasts
from ratecast.models.blend.model import (
    AS_OF,
    FROZEN,
    KNOWN_USERS,
    MIN_RATINGS,
    NEW_USERS,
    Blend,
)
from ratecast.models.blend.shares import HeldForecasts, Shares
from ratecast.models.knn import KNN
from ratecast.models.variational_mf.model import VariationalMF
from ratecast.ratings import Ratings

# A mean of several models has to be better than the best of them by this share of its RMSE.
GAIN = 0.0005
# A fit of fewer rows than this is not estimated: it takes seconds.
MANY_ROWS = 32_000
# Rows of the larger of two fits from which the seconds of a whole one are estimated.
PROBE_ROWS = 16_000


@dataclass(frozen=True)
class Tried:
    """What a model reached on held ratings.

    frozen, as_of: RMSE in stars, NaN where it was not tried, and as_of where there are no times.
    seconds: of its fits and forecasts. reason: why it was left out, or empty.
    """

    name: str
    frozen: float = np.nan
    as_of: float = np.nan
    seconds: float = 0.0
    reason: str = ""


@dataclass(kw_only=True, eq=False)
class Auto(Blend):
    """The best of several models for this table, or a weighted mean of some of them.

    Each model is fitted twice on a part of train and forecasts the rest: that of a tenth of the
    users and 15 % of the other ratings, and the latest fifth, which it walks as-of. Shares of least
    squared error on these are taken as in `blend`; where that mean is not better than its best part
    by 0.05 %, the part alone. Then what has a share is fitted on all of train.

    Tried in this order: bias, als, variational_mf, knn, cold_start, state_space,
    factorization_machine, gaussian_process. One that would exceed the budget, by the seconds that
    it takes for 4,000 and for 16,000 rows, or that cannot hold the table, is left out, and
    `summary` says so.

    budget: seconds that a fit may take, about.
    timed, chains, iterations: as for `blend`.

    Reference: Breiman 1996, "Stacked regressions".

    >>> import ratecast as rc
    >>> model = rc.Auto(budget=1).fit(rc.example_ratings())
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "auto"
    limits: ClassVar[Limits] = {"budget": ABOVE_ZERO}
    budget: float = 900.0

    tried: list[Tried] = field(init=False, repr=False)
    # Called with the name of each model before it is tried, for whoever shows progress.
    on_try: Callable[[str], None] | None = field(init=False, repr=False, default=None)

    @override
    def candidates(self) -> dict[str, Model]:
        blended = super().candidates()
        first: dict[str, Model] = {
            "bias": Bias(seed=self.seed),
            "als": blended["als"],
            "variational_mf": VariationalMF(seed=self.seed),
            "knn": KNN(seed=self.seed),
        }
        names = ("cold_start", "state_space", "factorization_machine", "gaussian_process")
        return first | {name: blended[name] for name in names}

    @override
    def shares_of(self, train: Ratings, names: tuple[str, ...]) -> dict[str, Shares]:
        self.tried, start = [], time.perf_counter()
        if not self.learn_shares or len(train) < MIN_RATINGS:
            only = Shares.of({}, {}, names[:1], self.new_user_damping)
            return {FROZEN: only, AS_OF: only}
        held = Held.of(train, self.seed)
        known: dict[str, PartForecasts] = {}
        for name in names:
            if self.on_try is not None:
                self.on_try(name)
            left = self.budget - (time.perf_counter() - start)
            self.tried.append(self._try(name, held, known, left))
        if not known:
            raise InputError(f"no model can be fitted to this table; {self.tried[0].reason}")
        first = Shares.of(NEW_USERS, KNOWN_USERS, tuple(known), self.new_user_damping)
        return _best_or_mean(held, known, self.with_held(held, known, first))

    def _try(
        self, name: str, held: Held, known: dict[str, PartForecasts], seconds_left: float
    ) -> Tried:
        """What a model reaches; its forecasts are put into `known`, unless it is left out."""
        if reason := self._too_much(name, held, seconds_left, first=not known):
            return Tried(name, reason=reason)
        before = time.perf_counter()
        try:
            known[name] = held.forecasts(partial(self.part, name))
        except InputError as error:
            return Tried(name, reason=str(error))
        seconds = time.perf_counter() - before
        return Tried(name, *held.rmse(known[name]), seconds)

    def _too_much(self, name: str, held: Held, left: float, *, first: bool) -> str:
        """Why this model cannot be tried; empty where it can."""
        rows = len(held.anywhere[0][0])
        if first:
            return ""
        if left <= 0:
            return "no seconds are left"
        try:
            seconds = self._estimated(name, held) if rows > MANY_ROWS else 0.0
        except InputError as error:
            return str(error)
        # Two fits to try it, and one of all rows.
        needed = 3 * seconds
        return f"needs about {needed:.0f} s, {max(left, 0):.0f} s are left" if needed > left else ""

    def _estimated(self, name: str, held: Held) -> float:
        """Seconds of a fit to all rows: on the line through two small ones.

        What a fit takes whatever the rows, as for compiled loops that are loaded, is no seconds
        per row; so a first fit is not counted, and the slope is that between the two others.
        """
        rows, few = len(held.anywhere[0][0]), PROBE_ROWS // 4
        times = [self._probed(name, held, each) for each in (few // 4, few, PROBE_ROWS)]
        slope = max(times[2] - times[1], 0.0) / (PROBE_ROWS - few)
        return times[2] + slope * (rows - PROBE_ROWS)

    def _probed(self, name: str, held: Held, rows: int) -> float:
        before = time.perf_counter()
        held.probe(partial(self.part, name), rows)
        return time.perf_counter() - before

    @override
    def summary(self) -> list[str]:
        """What was tried, one line each, and what has which share."""
        lines = []
        for one in self.tried:
            shares = {
                protocol: dict(zip(each.names, each.known, strict=True)).get(one.name, 0.0)
                for protocol, each in self.shares.items()
            }
            figures = [f"frozen {one.frozen:.4f}"]
            figures += [] if np.isnan(one.as_of) else [f"as-of {one.as_of:.4f}"]
            figures += [f"{one.seconds:.1f} s", f"share {max(shares.values()):.0%}"]
            left_out = f"left out: {one.reason}" if np.isnan(one.frozen) else ""
            lines.append(f"auto: {one.name}: {left_out or ', '.join(figures)}")
        return lines

    @override
    def arrays(self) -> Arrays:
        columns = [np.array([one.frozen, one.as_of, one.seconds]) for one in self.tried]
        return super().arrays() | {
            f"tried/{one.name}": row for one, row in zip(self.tried, columns, strict=True)
        }

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        keys = {f"tried/{name}": name for name in self.candidates() if f"tried/{name}" in arrays}
        self.tried = [Tried(name, *arrays[key].tolist()) for key, name in keys.items()]
        super().restore_arrays({k: v for k, v in arrays.items() if k not in keys})


def _best_or_mean(
    held: Held, known: dict[str, PartForecasts], mean: dict[str, Shares]
) -> dict[str, Shares]:
    """For frozen and for as-of forecasts the mean, or the best model where that is as good."""
    forecasts = list(known.values())
    frozen, as_of = held.frozen(forecasts), held.as_of(forecasts)
    rows = {FROZEN: frozen, AS_OF: frozen if as_of is None else as_of}
    names = tuple(known)
    return {protocol: _chosen(mean[protocol], rows[protocol], names) for protocol in rows}


def _chosen(mean: Shares, rows: HeldForecasts, names: tuple[str, ...]) -> Shares:
    alone = [rows.rmse(column) for column in rows.means.T]
    best = int(np.argmin(alone))
    whole = rows.rmse(mean.blended(rows.of_parts([names.index(name) for name in mean.names])))
    if whole < (1 - GAIN) * alone[best]:
        return mean
    return Shares.of({}, {}, (names[best],), mean.damping)
