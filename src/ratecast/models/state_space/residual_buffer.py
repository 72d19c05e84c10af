"""Training rows of the boosted trees: features known before a rating, and its residual."""

from dataclasses import dataclass, replace

import numpy as np

from ratecast.arrays import F32, F64, I64
from ratecast.models.state_space import rhythm

# The trees are fitted again when this share of the rows is new, and with many ratings when as many
# rows are new as this share of those.
MAX_ROWS, NEW_SHARE, NEW_OF_ALL = 100_000, 0.2, 0.05


@dataclass(frozen=True)
class ResidualBuffer:
    """The latest rows, at most `MAX_ROWS`, in time order.

    features: (n, C). residuals: (n,), rating minus prediction of the filter, stars. new: (1,),
    rows since the last fit of the trees.
    """

    features: F32
    residuals: F64
    new: I64

    @classmethod
    def empty(cls, width: int) -> "ResidualBuffer":
        """No row. width: C."""
        return cls(np.zeros((0, width), np.float32), np.zeros(0), np.zeros(1, np.int64))

    def with_more(self, features: F32, residuals: F64) -> "ResidualBuffer":
        """These rows, then later ones."""
        return ResidualBuffer(
            np.concatenate([self.features, features])[-MAX_ROWS:],
            np.concatenate([self.residuals, residuals])[-MAX_ROWS:],
            self.new + len(residuals),
        )

    def after_fit(self) -> "ResidualBuffer":
        """The same rows, none of them new."""
        return replace(self, new=np.zeros(1, np.int64))

    def is_refit_due(self, known: int) -> bool:
        """Whether so many rows are new that the trees should be fitted again.

        known: all ratings; where they are many, each refresh alone would fill the buffer, and the
        trees it gives are hardly others.
        """
        many = NEW_OF_ALL * known if known > rhythm.MANY_RATINGS else 0.0
        return bool(self.new[0] >= max(NEW_SHARE * len(self.residuals), many) > 0)
