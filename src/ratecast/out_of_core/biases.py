"""`bias` over rows on disk."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ratecast.arrays import F64, I32
from ratecast.modelling.factors.bias_priors import BiasPriors, of_some_users, priors_of_some
from ratecast.modelling.factors.unknown_users import LATE_SHARE, Arrivals
from ratecast.modelling.kernels.csr import PIECES
from ratecast.modelling.kernels.loops import thread_count
from ratecast.modelling.kernels.residual_sums import add_residuals
from ratecast.models.bias import Bias
from ratecast.out_of_core.ahead import read_ahead
from ratecast.out_of_core.checkpoint import Checkpoints
from ratecast.out_of_core.grouping import ROWS
from ratecast.out_of_core.order_statistics import quantile
from ratecast.out_of_core.table import MOVIES, STARS, TIMES, USERS, RowTable
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.progress import bar

# Three columns that are read, and their residuals.
_CHUNK = ROWS // 4
_SIDES = (USERS, MOVIES)


def fit(work: WorkFolder, table: RowTable, model: Bias, *_: object) -> None:
    """Fit a model that has its ids and counts already; continues from the last checkpoint."""
    checkpoints, (mean, unit) = Checkpoints(work), table.centring
    residuals = _Residuals(table, mean)
    if checkpoints.state:
        saved = {name: np.empty(*shape) for name, shape in _shapes(table).items()}
        checkpoints.load(checkpoints.state["step"], saved)
        model.restore_arrays(dict(saved))
    else:
        counted = table.counts.of_users, table.counts.of_movies
        model.before_iterations(mean, unit, counted, lambda given: residuals.priors(unit, given))
    done = int(checkpoints.state.get("step", 0))
    with bar("iterations", model.iterations) as progress:
        progress.advance(done)
        for step in range(done, model.iterations):
            model.iterate(residuals.sums)
            checkpoints.save(step + 1, model.arrays())
            progress.advance()
    model.after_iterations(_arrivals(table) if table.timed else None)


def _arrivals(table: RowTable) -> Arrivals:
    return Arrivals(table.first, quantile(table.columns, TIMES, 1 - LATE_SHARE))


def _shapes(table: RowTable) -> dict[str, tuple[tuple[int, ...]]]:
    """Of the arrays of a `Bias`."""
    users, movies = table.sizes
    return {
        "level": ((3,),),
        "of_users": ((users, 2),),
        "of_movies": ((movies, 2),),
        "user_prior": ((users,),),
        "movie_prior": ((movies,),),
    }


class _Residuals:
    """The rows, with stars less their mean, read in chunks."""

    def __init__(self, table: RowTable, mean: float) -> None:
        self._table, self._mean = table, mean

    def sums(self, side: int, biases: F64) -> F64:
        """What `residual_sums` gives, in its order: pieces of the rows, each by one thread."""
        partial = np.zeros((PIECES, self._table.sizes[side]))
        with ThreadPoolExecutor(thread_count()) as pool:
            for done in [
                pool.submit(self._add, piece, side, biases, partial[piece])
                for piece in range(PIECES)
            ]:
                done.result()
        for piece in range(1, PIECES):
            partial[0] += partial[piece]
        sums: F64 = partial[0]
        return sums

    def _add(self, piece: int, side: int, biases: F64, sums: F64) -> None:
        step = (len(self._table) + PIECES - 1) // PIECES
        for rows in self._chunks(piece * step, min(len(self._table), (piece + 1) * step)):
            add_residuals((rows[side], rows[1 - side], rows[2]), biases, sums)

    def _chunks(self, first: int, last: int) -> Iterator[tuple[I32, I32, F64]]:
        """Users, movies and residuals."""

        def read(start: int) -> tuple[I32, I32, F64]:
            stop, columns = min(start + _CHUNK, last), self._table.columns
            codes = columns.read(STARS, start, stop)
            values = codes if self._table.values is None else self._table.values
            residuals = values.astype(np.float64) - self._mean
            residuals = residuals if self._table.values is None else residuals[codes]
            return columns.read(USERS, start, stop), columns.read(MOVIES, start, stop), residuals

        return read_ahead(range(first, last, _CHUNK), read, most=1)

    def priors(self, unit: float, given: tuple[float | None, float | None]) -> BiasPriors:
        """What `learn_bias_priors` gives, from all ratings of some users."""
        some: list[tuple[I32, I32, F64]] = []
        for users, movies, residuals in self._chunks(0, len(self._table)):
            kept = of_some_users(users, len(self._table))
            some.append((users[kept], movies[kept], residuals[kept]))
        users, movies, residuals = (np.concatenate(column) for column in zip(*some, strict=True))
        counts = self._table.counts.of_users, self._table.counts.of_movies
        return priors_of_some((users, movies), residuals / unit, counts, given)
