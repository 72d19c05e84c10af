"""A paired test of a new model against the served one, on recent ratings."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.atomic_write import write_text
from ratecast.metrics.intervals import Bootstrap
from ratecast.ratings import USER
from ratecast.serving.quality.recent import RecentRows
from ratecast.visible_text import counted

COMPARISON = "comparison.json"
# A file in an artifact that is served without a comparison.
FORCED = "forced"
# Of good models, this share is refused by chance at most.
LEVEL = 0.01
# With fewer, the bootstrap over users refuses more often than at its level.
LEAST_ROWS, LEAST_USERS = 300, 30


@dataclass(frozen=True)
class Comparison:
    """A new model and the served one on the same n ratings of some users, both as-of.

    rmse, served_rmse: in stars, None without a rating. difference: the first minus the second. p:
    one-sided, for "the new model is not worse"; None where the ratings were too few to test, or the
    test was left out. forced: whether it was left out because --force was given.
    """

    n: int = 0
    users: int = 0
    rmse: float | None = None
    served_rmse: float | None = None
    difference: float | None = None
    p: float | None = None
    forced: bool = False

    @property
    def is_worse(self) -> bool:
        """Whether the test shows that the new model is worse."""
        return self.p is not None and self.p < LEVEL and not self.forced

    def __str__(self) -> str:
        if self.forced:
            return "not compared with the served model, because of --force"
        if self.rmse is None or self.served_rmse is None or self.difference is None:
            return "not compared with the served model: no recent rating that neither learned"
        figures = (
            f"RMSE {self.rmse:.4f} against {self.served_rmse:.4f} of the served model "
            f"({self.difference:+.4f}) on {counted(self.n, 'recent rating')} of "
            f"{counted(self.users, 'user')}"
        )
        if self.p is None:
            needed = f"{LEAST_ROWS} ratings of {LEAST_USERS} users"
            return f"{figures}; too few for a test, which needs {needed}"
        return f"{figures}, p = {self.p:.4f}"

    def write(self, folder: Path) -> None:
        """Write it beside the artifact in `folder`."""
        write_text(folder / COMPARISON, json.dumps(asdict(self), indent=1) + "\n")


def read_comparison(folder: Path) -> Comparison | None:
    """The comparison of the artifact in `folder`; None if there was none."""
    file = folder / COMPARISON
    return Comparison(**json.loads(file.read_text())) if file.exists() else None


def compare(seq: I64, stars: F64, served: RecentRows | None) -> Comparison:
    """Compare the forecasts of two models for the ratings that both forecast.

    A bootstrap over users of the difference in RMSE, since the ratings of one user are not
    independent; p is the share of draws in which the new model is not worse.
    seq, stars: (n,), the sequence numbers of ratings, and the new model's forecasts of them.
    """
    if served is None:
        return Comparison()
    _, new, now = np.intersect1d(seq, served.seq, assume_unique=True, return_indices=True)
    if not len(new):
        return Comparison()
    rows = served.take(now)
    users, given = rows.given.frame[USER].to_numpy(), rows.given.stars.astype(np.float64)
    errors = np.column_stack([stars[new], rows.forecast.stars]) - given[:, None]
    count = len(np.unique(users))
    rmse, served_rmse = np.sqrt((errors**2).mean(axis=0)).tolist()
    found = Comparison(len(errors), count, rmse, served_rmse, rmse - served_rmse)
    if len(errors) < LEAST_ROWS or count < LEAST_USERS:
        return found
    draws = Bootstrap.of(errors, users).draws
    not_worse = int((draws[:, 0] <= draws[:, 1]).sum())
    return replace(found, p=(1 + not_worse) / (1 + len(draws)))
