"""`mf_bias` by stochastic gradient descent over blocks on disk."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ratecast.arrays import F32
from ratecast.modelling.factors.bilinear import BothSides, Sides
from ratecast.modelling.factors.fold_in import NOISE_ROWS, usable_l2
from ratecast.modelling.factors.recursive_least_squares import l2_vector
from ratecast.modelling.kernels.csr import Grouped, Triples
from ratecast.modelling.kernels.loops import thread_count
from ratecast.models.mf_bias.model import BiasedMatrixFactorization
from ratecast.models.mf_bias.sgd_epochs import Descent, DescentStart, Moves, Sides32, rmse
from ratecast.models.mf_bias.stratified_sgd import GROUPS, StepSizes, run_block
from ratecast.out_of_core.ahead import read_ahead
from ratecast.out_of_core.by_runs import ByRuns, Here, OnCluster
from ratecast.out_of_core.checkpoint import Checkpoints
from ratecast.out_of_core.columns import Array
from ratecast.out_of_core.covariance import Groupings, with_covariance
from ratecast.out_of_core.grouping import grouped
from ratecast.out_of_core.rotating import RotatingEpochs
from ratecast.out_of_core.strata import StrataOnDisk, all_blocks, strata
from ratecast.out_of_core.table import MOVIES, USERS, RowTable, sampled
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.progress import bar
from ratecast.ratings import Ratings
from ratecast.workers import Pool


@dataclass(frozen=True)
class StoredDescent:
    """What a descent reads from disk."""

    grouped: Groupings
    blocks: StrataOnDisk
    mean: float


def prepare(work: WorkFolder, table: RowTable, model: BiasedMatrixFactorization) -> StoredDescent:
    """Ratings by user, by movie and in blocks; the rows themselves are given up."""
    sampled(work, table, NOISE_ROWS)
    by_user = grouped(work, table, USERS)
    by_movie = grouped(work, table, MOVIES)
    mean = table.centring.level
    blocks = strata(work, by_user, mean, model.scale.unit)
    work.remove(table.folder.name)
    return StoredDescent((by_user, by_movie), blocks, mean)


class Epochs(Protocol):
    """Runs the epochs of a descent somewhere."""

    def run(self, sides: Sides32, sizes: StepSizes, random: np.random.Generator) -> None:
        """One step for every rating, as `run_epoch` takes them, in place."""
        ...

    def ahead(self, descent: Descent, moves: Moves) -> None:
        """Prepare the next epoch, which comes unless the fit ends. moves: of the priors since."""
        ...

    def end(self) -> None:
        """Give back what they run on."""
        ...


@dataclass(frozen=True)
class _ThreadEpochs:
    """By the threads of this process."""

    stored: StoredDescent

    def run(self, sides: Sides32, sizes: StepSizes, random: np.random.Generator) -> None:
        """See `Epochs`."""
        _run_epoch(self.stored, sides, sizes, random)

    def ahead(self, descent: Descent, moves: Moves) -> None:
        """See `Epochs`."""

    def end(self) -> None:
        """See `Epochs`."""


def fit(
    work: WorkFolder,
    table: RowTable,
    model: BiasedMatrixFactorization,
    valid: Ratings,
    pool: Pool | None,
) -> None:
    """Fit a model that has its ids and counts already; continues from the last checkpoint."""
    stored = prepare(work, table, model)
    epochs = _ThreadEpochs(stored) if pool is None else RotatingEpochs(pool, stored.blocks)
    rows = _centred(model, valid, stored.mean)
    try:
        sides = _descend(model, table, rows, Checkpoints(work), epochs)
    finally:
        epochs.end()
    by_runs = Here() if pool is None else OnCluster(pool)
    both = _with_covariance(model, stored, sides, by_runs)
    model.use_sides(sampled(work, table, NOISE_ROWS), stored.mean / model.scale.unit, both)


def _descend(
    model: BiasedMatrixFactorization,
    table: RowTable,
    rows: Triples,
    checkpoints: Checkpoints,
    epochs: Epochs,
) -> Sides32:
    """The sides of the best epoch on the rows for validation."""
    counts = table.counts.of_users, table.counts.of_movies
    start = DescentStart(model.side_l2(), model.factors, model.init_std, model.seed)
    descent = Descent.initial(counts, start, model.descent)
    # The best of no epochs is none; what a checkpoint of JSON cannot hold is infinity.
    best, least = 0, np.inf
    if state := checkpoints.state:
        checkpoints.load(state["step"], _named(descent.sides))
        descent.past, best, least = state["step"], state["best"], state["rmse"]
        descent.random.bit_generator.state = state["random"]
    with bar("epochs", model.descent.epochs) as progress:
        progress.advance(descent.past)
        while descent.past < model.descent.epochs and descent.past - best < model.descent.patience:
            moves = descent.epoch(epochs.run)
            if descent.past < model.descent.epochs:
                epochs.ahead(descent, moves)
            reached = rmse(descent.sides, rows)
            if reached < least:
                best, least = descent.past, reached
            state = {"best": best, "rmse": least, "random": descent.random.bit_generator.state}
            checkpoints.save(descent.past, _named(descent.sides), **state)
            progress.advance()
            if model.on_epoch is not None:
                model.on_epoch(descent.past, reached * model.scale.unit)
    if best not in (0, descent.past):
        checkpoints.load(best, _named(descent.sides))
    descent.set_unknown(descent.sides)
    model.epochs = best or descent.past
    return descent.sides


def _with_covariance(
    model: BiasedMatrixFactorization, stored: StoredDescent, sides: Sides32, by_runs: ByRuns
) -> Sides:
    (users, movies), width = sides, model.factors
    penalties = (usable_l2(l2_vector(*l2, model.factors)) for l2 in model.side_l2())
    return with_covariance(
        stored.grouped,
        BothSides(users.biases[:, None], movies.biases[:, None]),
        BothSides(users.vectors[:, :width], movies.vectors[:, :width]),
        BothSides(*penalties),
        by_runs=by_runs,
    )


def _centred(model: BiasedMatrixFactorization, valid: Ratings, mean: float) -> Triples:
    """The rows for validation, by user."""
    rows = model.encode(valid)
    stars: F32 = (rows.stars.astype(np.float32) - np.float32(mean)) / np.float32(model.scale.unit)
    return Grouped.of(rows.users, rows.movies, stars, len(model.users)).triples


def _named(sides: Sides32) -> dict[str, Array]:
    return {
        f"{name}-{what}": array
        for name, side in zip(("users", "movies"), sides, strict=True)
        for what, array in zip(("biases", "vectors"), side, strict=True)
    }


def _run_epoch(
    stored: StoredDescent, sides: Sides32, sizes: StepSizes, random: np.random.Generator
) -> None:
    """One step for every rating, as `run_epoch` takes them; the next blocks are read meanwhile."""
    order = random.permutation(GROUPS).tolist()
    threads = thread_count()
    blocks = [block for stratum in order for block in all_blocks(stratum)]
    with ThreadPoolExecutor(threads) as pool:
        working: deque[Future[None]] = deque()
        for number, triples in enumerate(read_ahead(blocks, stored.blocks.read)):
            # A stratum begins when the one before has ended; in it, each thread has a block.
            while working and (number % GROUPS == 0 or len(working) >= threads):
                working.popleft().result()
            working.append(pool.submit(run_block, blocks[number], triples, sides, sizes))
        for future in working:
            future.result()
