"""Star probabilities that stay calibrated as ratings arrive, since rating behaviour drifts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64, I64
from ratecast.modelling.calibration.ordered_probit import (
    Location,
    OrderedProbit,
    star_probabilities,
)
from ratecast.modelling.calibration.probit_fit import fit_probit, with_spread
from ratecast.modelling.calibration.probit_kernel import Forecasts
from ratecast.modelling.calibration.star_groups import StarGroups
from ratecast.ratings import Scale

WINDOW = 8_000
MIN_REFIT_ROWS, REFIT_SHARE = 1_000, 0.01
PROBITS = ("new_users", "known_users", "prior")
PACKED = (
    *("mean", "deviation", "history_length", "star", "counts", "location"),
    *(f"{name}.{part}" for name in PROBITS for part in ("curves", "stds")),
)
# With the mixtures, these are not in an artifact of an older version.
PACKED_GROUPS = ("cuts", "frequencies", "heaps", "used")


@dataclass(frozen=True)
class Outcomes:
    """Forecasts and the stars that were observed, (n,) each.

    mean: expected stars. deviation: predictive standard deviation, 1 where the model gives none.
    history_length: ratings of the user before. star: position of the observed star on the scale.
    """

    mean: F64
    deviation: F64
    history_length: I64
    star: I64

    def __len__(self) -> int:
        return len(self.mean)

    def last(self, count: int) -> "Outcomes":
        """The newest rows."""
        return self.take(slice(max(len(self) - count, 0), None))

    def fit(self, prior: OrderedProbit, start: OrderedProbit | None = None) -> OrderedProbit:
        """The probit fitted to these rows, with an L2 penalty on its distance from `prior`."""
        if not len(self):
            return start or prior
        return fit_probit(prior, self.forecasts, self.star, start)

    def spread(self, probit: OrderedProbit) -> OrderedProbit:
        """The probit with the spread of these rows."""
        return with_spread(probit, self.forecasts, self.star) if len(self) else probit

    @property
    def forecasts(self) -> Forecasts:
        """Without the stars."""
        return Forecasts(self.mean, self.history_length, self.deviation)

    def where(self, mask: NDArray[np.bool_]) -> "Outcomes":
        """Only the rows where `mask` is true."""
        return Outcomes(*(a[mask] for a in self.columns()))

    def take(self, part: slice | I64) -> "Outcomes":
        """Only these rows."""
        return Outcomes(*(a[part] for a in self.columns()))

    def followed_by(self, later: "Outcomes") -> "Outcomes":
        """These rows, then the later ones."""
        pairs = zip(self.columns(), later.columns(), strict=True)
        return Outcomes(*(np.concatenate(pair) for pair in pairs))

    def columns(self) -> tuple[NDArray[Any], ...]:
        """The four columns."""
        return self.mean, self.deviation, self.history_length, self.star


@dataclass
class OnlineCalibration:
    """An `OrderedProbit` that is refitted to the newest forecasts and their outcomes.

    A refit is due after 1,000 rows, or after 1 % of all rows if that is more; it happens between
    two tie groups, so that a forecast depends on earlier ratings only. A table that grows tenfold
    has about 230 refits.

    new_users: the probit of users without a rating; it is not refitted.
    known_users: the probit of all other users.
    prior: the probit that validation fitted; refits are penalized for their distance from it.
    window: the newest 8,000 outcomes of known users.
    total: rows learned from.
    pending: rows since the last refit.

    Reference: Dawid 1984, "Present position and potential developments: the prequential approach".
    """

    new_users: OrderedProbit
    known_users: OrderedProbit
    prior: OrderedProbit
    window: Outcomes
    total: int
    pending: int = 0

    @classmethod
    def initial(cls, scale: Scale, stars: I64) -> "OnlineCalibration":
        """Uses the model's predictive deviations as they are; stars: (S,), how often each is."""
        probit, empty = OrderedProbit.initial(scale, groups=StarGroups.of(stars)), np.empty(0)
        counts, total = np.empty(0, np.int64), int(stars.sum())
        return cls(probit, probit, probit, Outcomes(empty, empty, counts, counts), total)

    def fitted(self, frozen: Outcomes, as_of: Outcomes) -> "OnlineCalibration":
        """Fitted to outcomes: new users from `frozen` forecasts, all others from `as_of` ones."""
        new, known = frozen.where(frozen.history_length == 0), as_of.where(as_of.history_length > 0)
        first = known if len(known) else new
        start = first.spread(self.known_users)
        known_users = first.fit(start)
        new_users = new.fit(start) if len(new) else known_users
        return OnlineCalibration(
            new_users, known_users, known_users, known.last(WINDOW), self.total
        )

    @classmethod
    def unpacked(cls, arrays: dict[str, NDArray[Any]]) -> "OnlineCalibration":
        """Take out of `arrays` what `packed` gave."""
        own = {name: arrays.pop(f"calibration.{name}") for name in PACKED}
        groups, mixed = _unpacked_groups(arrays, len(own["prior.curves"]) + 1)
        location = _location(own["location"], len(own["prior.curves"]))
        new_users, known_users, prior = (
            OrderedProbit(own[f"{name}.curves"], own[f"{name}.stds"], location, groups, weight)
            for name, weight in zip(PROBITS, mixed, strict=True)
        )
        window = Outcomes(own["mean"], own["deviation"], own["history_length"], own["star"])
        total, pending = (int(count) for count in own["counts"])
        return cls(new_users, known_users, prior, window, total, pending)

    def packed(self) -> dict[str, NDArray[Any]]:
        """As named arrays, for an artifact."""
        window, groups = self.window, self.known_users.groups
        own: dict[str, NDArray[Any]] = {"mean": window.mean, "deviation": window.deviation}
        own |= {"history_length": window.history_length, "star": window.star}
        own |= {"counts": np.array([self.total, self.pending])}
        own |= {"location": np.array(self.known_users.location)}
        own |= {name: getattr(groups, name) for name in PACKED_GROUPS}
        probits = self.new_users, self.known_users, self.prior
        own |= {"mixed": np.array([each.mixed for each in probits])}
        for name, each in zip(PROBITS, probits, strict=True):
            own |= {f"{name}.curves": each.curves, f"{name}.stds": each.stds}
        return {f"calibration.{name}": value for name, value in own.items()}

    @property
    def refit_interval(self) -> int:
        """After how many new rows the next refit is due."""
        return max(MIN_REFIT_ROWS, int(REFIT_SHARE * (self.total - self.pending)))

    def probabilities(self, mean: F64, history_length: I64, deviation: F64 | None) -> F64:
        """Probability of each star: (n, S), rows sum to 1; see `OrderedProbit.probabilities`."""
        return star_probabilities(
            (self.new_users, self.known_users), mean, history_length, deviation
        )

    def update(self, outcomes: Outcomes) -> None:
        """Add the outcomes of one tie group, and refit if that is due."""
        newest = np.flatnonzero(outcomes.history_length)[-WINDOW:]
        self.window = self.window.followed_by(outcomes.take(newest)).last(WINDOW)
        self.total, self.pending = self.total + len(outcomes), self.pending + len(outcomes)
        if self.pending >= self.refit_interval:
            self.known_users, self.pending = self.window.fit(self.prior, self.known_users), 0

    def walk(self, outcomes: Outcomes, edges: I64, is_first: NDArray[np.bool_]) -> F64:
        """Probabilities of each row, (n, S), from the outcomes of earlier tie groups only.

        edges: (k + 1,) borders of the tie groups. is_first: (n,) which rows are learned from: not
        those of a pair that was rated before, since their forecast knew the former rating.
        """
        result, start = np.empty((len(outcomes), len(self.known_users.curves) + 1)), 0
        while start < len(outcomes):
            due_at = start + self.refit_interval - self.pending
            stop = int(edges[min(int(np.searchsorted(edges, due_at)), len(edges) - 1)])
            part = outcomes.take(slice(start, stop))
            star_probabilities(
                (self.new_users, self.known_users),
                part.mean,
                part.history_length,
                part.deviation,
                result[start:stop],
            )
            self.update(part.where(is_first[start:stop]))
            start = stop
        return result


def _unpacked_groups(arrays: dict[str, NDArray[Any]], stars: int) -> tuple[StarGroups, list[float]]:
    """Groups of the stars, and how much each probit is mixed with their frequencies."""
    mixed = arrays.pop("calibration.mixed", None)
    if mixed is None:
        return StarGroups.equal(stars), [0.0] * len(PROBITS)
    groups = StarGroups(*(arrays.pop(f"calibration.{name}") for name in PACKED_GROUPS))
    return groups, [float(weight) for weight in mixed]


def _location(packed: F64, cuts: int) -> Location:
    """An artifact of an older version has no step in it."""
    centre, unit, *step = (float(value) for value in packed)
    return Location(centre, unit, *(step or [4 * unit / cuts]))
