"""Shares of the parts of a blend, learned from forecasts of ratings that no part had seen.

Reference: Breiman 1996, "Stacked regressions".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ratecast.arrays import F64, I64

# Ratings of a user after which the shares of new and of known users count equally.
DAMPINGS = (1.0, 3.0, 10.0, 30.0)
# So many rows of forecasts that are one prediction error apart outweigh the shares at the start.
_PRIOR_ROWS = 50.0
# Errors of one new user go together, so that more rows than these say hardly more.
_ROWS_OF_NEW_USER = 5.0
# How much a sum of shares that is not 1 costs, beside all errors of prediction.
_SUM = 1e3


class HeldForecasts(NamedTuple):
    """Forecasts of ratings that were held out of the fits.

    means: (n, parts) stars. stars: (n,) that were given. history_length: (n,) ratings of the user
    before. users: (n,) whose ratings they are, as any numbers.
    """

    means: F64
    stars: F64
    history_length: I64
    users: I64

    def where(self, mask: NDArray[np.bool_]) -> "HeldForecasts":
        """Only the rows where `mask` is true."""
        return HeldForecasts._make(column[mask] for column in self)

    def followed_by(self, other: "HeldForecasts") -> "HeldForecasts":
        """These rows, then the others."""
        return HeldForecasts._make(map(np.concatenate, zip(self, other, strict=True)))

    def of_parts(self, columns: Sequence[int]) -> "HeldForecasts":
        """Only these parts."""
        return self._replace(means=self.means[:, list(columns)])

    def repeats(self) -> float:
        """Rows of new users, for each that says something new."""
        _, counts = np.unique(self.users[self.history_length == 0], return_counts=True)
        return float(counts.sum() / max(np.minimum(counts, _ROWS_OF_NEW_USER).sum(), 1.0))

    def rmse(self, forecasts: F64) -> float:
        """RMSE of (n,) forecasts of these rows."""
        return float(np.sqrt(np.mean((forecasts - self.stars) ** 2)))


@dataclass(frozen=True)
class Shares:
    """share = (1 - w) * known + w * new, with w = damping / (damping + ratings of the user).

    names: of the parts. new, known: (parts,) shares, each at least 0 and 1 in sum.
    """

    names: tuple[str, ...]
    new: F64
    known: F64
    damping: float = 3.0

    @classmethod
    def of(
        cls,
        new: Mapping[str, float],
        known: Mapping[str, float],
        names: Sequence[str],
        damping: float,
    ) -> Self:
        """Shares by name, those of the parts that are there, scaled to a sum of 1."""
        each = [np.array([given.get(name, 0.0) for name in names]) for given in (new, known)]
        new_users, known_users = (
            share / share.sum() if share.sum() else np.full(len(names), 1 / len(names))
            for share in each
        )
        return cls(tuple(names), new_users, known_users, damping)

    @classmethod
    def of_pairs(cls, pairs: Mapping[str, F64], damping: float) -> Self:
        """What `by_name` gave."""
        new, known = np.array(list(pairs.values())).T
        return cls(tuple(pairs), new, known, damping)

    def by_name(self) -> dict[str, F64]:
        """The two shares of each part, of new and of known users."""
        return dict(zip(self.names, np.column_stack([self.new, self.known]), strict=True))

    def by_history(self, history_length: I64) -> F64:
        """The shares of users with so many ratings: (n, parts)."""
        new = self.damping / (self.damping + history_length[:, None])
        return (1 - new) * self.known + new * self.new

    def blended(self, held: HeldForecasts) -> F64:
        """Weighted means of the forecasts: (n,)."""
        return np.asarray((self.by_history(held.history_length) * held.means).sum(axis=1))

    def learned(self, held: HeldForecasts) -> "Shares":
        """The shares of least squared error on `held`, not negative and 1 in sum.

        Loss = sum of squared errors + a penalty on the distance from these shares, which 50 rows
        outweigh; of a new user at most five rows count for that. The damping is the one of least
        loss.
        """
        tried = [self._solved(held, damping) for damping in DAMPINGS]
        return min(tried, key=lambda pair: pair[0])[1]

    def without(self, least: float) -> "Shares":
        """Without the parts whose share is below `least` for new and for known users alike."""
        most = np.maximum(self.new, self.known)
        kept = np.flatnonzero(most >= min(least, most.max()))
        return self.only([self.names[k] for k in kept])

    def only(self, names: Sequence[str]) -> "Shares":
        """Those of the parts of these names, scaled to a sum of 1."""
        new, known = (dict(zip(self.names, x, strict=True)) for x in (self.new, self.known))
        return Shares.of(new, known, names, self.damping)

    def _solved(self, held: HeldForecasts, damping: float) -> tuple[float, "Shares"]:
        start = replace(self, damping=damping)
        parts, n = len(self.names), len(held.stars)
        new = damping / (damping + held.history_length[:, None])
        # A common level changes nothing, as shares sum to 1, and keeps the products small.
        level = held.stars.mean() if n else 0.0
        design = np.concatenate([w * (held.means - level) for w in (new, 1 - new)], axis=1)
        first = np.concatenate([self.new, self.known])
        error = held.stars - level - design @ first
        scale = np.sqrt(_PRIOR_ROWS * (error @ error / max(n, 1) + 1e-9))
        of_prior = scale * np.repeat([np.sqrt(max(held.repeats(), 1.0)), 1.0], parts)
        sums = np.kron(np.eye(2), np.ones(parts)) * _SUM * np.sqrt(max(n, 1.0)) * scale
        # The triangle of the rows has the same squares of errors, in as many rows as shares.
        triangle: F64 = np.linalg.qr(np.column_stack([design, held.stars - level]), mode="r")  # type: ignore[assignment]
        rows = np.concatenate([triangle[:, :-1], np.diag(of_prior), sums])
        goal = np.concatenate([triangle[:, -1], of_prior * first, sums @ first])
        shares, loss = nnls(rows, goal)
        return float(loss), replace(
            start, new=_to_one(shares[:parts]), known=_to_one(shares[parts:])
        )


def _to_one(shares: F64) -> F64:
    total: F64 = shares / shares.sum()
    return total
