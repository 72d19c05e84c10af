"""`als` by conjugate gradients over ratings on disk."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from ratecast.arrays import F32
from ratecast.modelling.factors.bilinear_state import BilinearState
from ratecast.modelling.kernels.csr import Grouped
from ratecast.models.als.conjugate_gradients import FixedSide, solve_rows
from ratecast.models.als.model import ALS, Equations
from ratecast.out_of_core.by_runs import ByRuns, Here, OnCluster
from ratecast.out_of_core.checkpoint import Checkpoints
from ratecast.out_of_core.covariance import Groupings, with_covariance
from ratecast.out_of_core.grouping import grouped
from ratecast.out_of_core.table import MOVIES, USERS, RowTable
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.progress import bar
from ratecast.ratings import Ratings
from ratecast.workers import Pool


def fit(work: WorkFolder, table: RowTable, model: ALS, _: Ratings, pool: Pool | None) -> None:
    """Fit a model that has its ids and counts already; continues from the last checkpoint."""
    both = grouped(work, table, USERS), grouped(work, table, MOVIES)
    work.remove(table.folder.name)
    by_runs = Here() if pool is None else OnCluster(pool)
    checkpoints, at = Checkpoints(work), model.before_iterations(table.sizes)
    arrays = {"users": at.users, "movies": at.movies, "user_mean": at.user_mean}
    if checkpoints.state:
        checkpoints.load(checkpoints.state["step"], arrays)
        at.halves = checkpoints.state["step"]
    rated, last = (table.counts.of_users, table.counts.of_movies), 2 * model.iterations
    with bar("half-iterations", last + 1) as progress:
        progress.advance(at.halves)
        while at.halves <= last:
            model.iterate(at, rated, partial(_solve, both, by_runs))
            progress.advance()
            if at.halves % 2 == 1:
                checkpoints.save(at.halves, arrays | {"user_mean": at.user_mean})
    sides = with_covariance(both, *model.fitted(at), by_runs=by_runs)
    model.state = BilinearState(sides, table.centring)


@dataclass(frozen=True)
class SolveRows:
    """The equations of one side, for its runs."""

    given: Equations

    def __call__(self, part: Grouped, weights: F32 | None) -> F32:
        """The weights of a run, changed in place."""
        assert weights is not None
        (vectors, scales, squares), prior, steps = self.given
        # Small, and of the one kind that the loop is compiled for.
        prior = prior._replace(mean=np.array(prior.mean))
        other = FixedSide(vectors, scales, np.array(squares))
        solve_rows(part, weights, other, prior, steps)
        return weights


def _solve(both: Groupings, by_runs: ByRuns, side: int, weights: F32, given: Equations) -> None:
    """Solve the rows of one side, in place."""
    by_row = both[side]
    stars_of = partial(by_row.table.centred, *by_row.table.centring)
    for (first, last), solved in by_runs.each(by_row, stars_of, SolveRows(given), weights):
        weights[first:last] = solved
