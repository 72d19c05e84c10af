"""`als` by conjugate gradients over ratings on disk."""

from functools import partial

from ratecast.arrays import F32
from ratecast.modelling.factors.bilinear_state import BilinearState
from ratecast.models.als.conjugate_gradients import solve_rows
from ratecast.models.als.model import ALS, Equations
from ratecast.out_of_core.checkpoint import Checkpoints
from ratecast.out_of_core.covariance import Groupings, with_covariance
from ratecast.out_of_core.grouping import grouped
from ratecast.out_of_core.table import MOVIES, USERS, RowTable
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.progress import bar
from ratecast.ratings import Ratings


def fit(work: WorkFolder, table: RowTable, model: ALS, _: Ratings) -> None:
    """Fit a model that has its ids and counts already; continues from the last checkpoint."""
    both = grouped(work, table, USERS), grouped(work, table, MOVIES)
    work.remove(table.folder.name)
    checkpoints, at = Checkpoints(work), model.before_iterations(table.sizes)
    arrays = {"users": at.users, "movies": at.movies, "user_mean": at.user_mean}
    if checkpoints.state:
        checkpoints.load(checkpoints.state["step"], arrays)
        at.halves = checkpoints.state["step"]
    rated, last = (table.counts.of_users, table.counts.of_movies), 2 * model.iterations
    with bar("half-iterations", last + 1) as progress:
        progress.advance(at.halves)
        while at.halves <= last:
            model.iterate(at, rated, partial(_solve, both))
            progress.advance()
            if at.halves % 2 == 1:
                checkpoints.save(at.halves, arrays | {"user_mean": at.user_mean})
    model.state = BilinearState(with_covariance(both, *model.fitted(at)), table.centring)


def _solve(both: Groupings, side: int, weights: F32, given: Equations) -> None:
    """Solve the rows of one side, in place; the next ratings are read meanwhile."""
    by_row = both[side]
    centring = by_row.table.centring
    for (first, last), part in by_row.parts(partial(by_row.table.centred, *centring)):
        solve_rows(part, weights[first:last], *given)
