"""Effects of the users' time bins that a fit knows."""

from dataclasses import dataclass

import numpy as np

from ratecast.arrays import F64, I32, I64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.history.user_batches import NO_TIME
from ratecast.modelling.history.user_history import RatingColumns
from ratecast.models.factorization_machine.fold_in_columns import TimeBins

# Bits of the time in a key of user and time bin: seconds stay below 2^40.
_TIME_BITS = 40
# Below every key.
_NO_BIN = -2


@dataclass
class TimeEffects:
    """Of each width in seconds: keys of the time bins, ascending, and the mean effect of each."""

    widths: list[int]
    bins: list[I64]
    effects: list[F64]

    def of(self, rows: RatingColumns, variances: F64) -> tuple[F64, TimeBins]:
        """Sum of the effects that the fit knows, (n,), and the bins of each row.

        variances: (b,) prior variances of those that it does not know.
        """
        effect, shape = np.zeros(len(rows)), (len(rows), len(self.bins))
        keys, unknown = np.zeros(shape, np.int64), np.zeros(shape)
        row_keys = time_keys(rows.users, rows.at, self.widths[: len(self.bins)])
        widths = zip(row_keys, self.bins, self.effects, strict=True)
        for b, (key, bins, values) in enumerate(widths):
            place = np.minimum(np.searchsorted(bins, key), len(bins) - 1)
            known = bins[place] == key
            effect += np.where(known, values[place], 0.0)
            keys[:, b], unknown[:, b] = key, ~known
        return effect, TimeBins(keys, unknown, variances)

    def forget(self, user: int) -> None:
        """Drop the time bins of a user, by row number."""
        for b, (bins, effects) in enumerate(zip(self.bins, self.effects, strict=True)):
            kept = bins >> _TIME_BITS != user
            # At least one stays, so that a search finds a place.
            none_left = np.array([_NO_BIN]), np.zeros(1)
            left = (bins[kept], effects[kept]) if kept.any() else none_left
            self.bins[b], self.effects[b] = left

    def arrays(self) -> Arrays:
        """By the names that an artifact gives them."""
        pairs = enumerate(zip(self.bins, self.effects, strict=True))
        return {f"{what}.{b}": x for b, pair in pairs for what, x in zip(_NAMES, pair, strict=True)}

    @classmethod
    def restored(cls, widths: list[int], arrays: Arrays) -> "TimeEffects":
        """What `arrays` gave."""
        known = range(sum(name.startswith("bin.") for name in arrays))
        bins, effects = ([arrays[f"{what}.{b}"] for b in known] for what in _NAMES)
        return cls(widths, bins, effects)


_NAMES = "bin", "effect"


def time_keys(users: I32, seconds: I64, widths: list[int]) -> list[I64]:
    """The bin of each row, of one user, for each width in seconds: (n,) each; -1 without a time."""
    user = users.astype(np.int64) << _TIME_BITS
    return [np.where(seconds == NO_TIME, -1, user + seconds // width) for width in widths]
