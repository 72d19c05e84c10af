"""What this machine can do at most, and how much of it the kernels of ratecast use.

Copying a large array gives the bandwidth of memory, a product of matrices the operations a second;
then one epoch of `mf_bias` and one sweep of `als` are timed on a grown table.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numba import njit, prange

from benchmarks.environment import ROOT
from benchmarks.peers import FACTORS
from benchmarks.process import environment_of
from benchmarks.records import Record, Step
from benchmarks.tables import grown
from ratecast import data
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.kernels.csr import Grouped, by_user_and_movie
from ratecast.models.als.conjugate_gradients import STEPS, FixedSide, Prior, solve_rows
from ratecast.models.mf_bias.stratified_sgd import StepSizes, Strata, initial_side, run_epoch
from ratecast.ratings import MOVIE, USER

MOST = 2
SIZES = (1_000_000, 25_000_000)
REPEATS, COPIED, SIDE = 5, 1 << 26, 2048
LEARNING_RATE, L2 = 0.01, 0.03
PRIOR_L2 = (5.0, 6.0, 0.1)


def steps(sizes: tuple[int, ...] = SIZES) -> Iterator[Step]:
    """The machine's limits, and the kernels' speed on tables of these sizes; each by threads."""
    for rows in (0, *sizes):
        for threads in range(1, MOST + 1):
            yield f"{rows} ratings, {threads}", partial(_alone, rows, threads)


def _alone(rows: int, threads: int) -> Record:
    """In a process that was started with so many threads."""
    words = [sys.executable, "-m", "benchmarks.limits", str(rows)]
    ran = subprocess.run(
        words, cwd=ROOT, env=environment_of(threads), check=True, capture_output=True, text=True
    )
    return {"ratings": rows, "threads": threads, "figures": json.loads(ran.stdout)}


def main(rows: int) -> None:
    """Print the figures of the machine (rows 0), or of the kernels on a table."""
    if rows == 0:
        print(json.dumps(_machine()))
        return
    both = _table(rows)
    print(json.dumps({"mf_bias, epoch": _descent(both), "als, sweep": _alternation(both)}))


def copy_speed() -> float:
    """GB a second that a copy of 256 MB reads and writes, on all of numba's threads."""
    here, there = np.ones(COPIED, np.float32), np.zeros(COPIED, np.float32)
    return 2 * here.nbytes / _best(lambda: _copied(here, there)) / 1e9


def _machine() -> Record:
    a, b = (np.random.default_rng(k).random((SIDE, SIDE), np.float32) for k in (0, 1))
    product = _best(lambda: a @ b)
    return {
        "copy_gb_a_second": copy_speed(),
        "gflops": 2 * SIDE**3 / product / 1e9,
    }


@njit(parallel=True)
def _copied(here, there):  # type: ignore[no-untyped-def]
    for i in prange(len(here)):
        there[i] = here[i]


def _table(rows: int) -> tuple[Grouped, Grouped]:
    """Ratings by user and by movie, in line numbers of a vocabulary."""
    table = data.load(grown(rows)["train"], notify=lambda _: None)
    users, movies = (
        Vocabulary.of(table.frame[name], table.frame[name].unique().to_frame())
        for name in (USER, MOVIE)
    )
    lines = users.encode(table.frame[USER]), movies.encode(table.frame[MOVIE])
    centred = (table.stars - table.stars.mean()).astype(np.float32)
    return by_user_and_movie(*lines, centred, (len(users), len(movies)))


def _descent(both: tuple[Grouped, Grouped]) -> Record:
    """6 k operations a rating; 12 bytes of it come from memory, 8 k of vectors from the cache."""
    by_user, by_movie = both
    random = np.random.default_rng(0)
    # The strata use up what they are made from.
    own = Grouped(by_user.edges, by_user.columns.copy(), by_user.values.copy())
    strata = Strata.of(own, by_movie.counts)
    sides = (
        initial_side(len(by_user.counts), FACTORS, 0.1, random),
        initial_side(len(by_movie.counts), FACTORS, 0.1, random),
    )
    sizes = StepSizes(np.float32(LEARNING_RATE), np.float32(L2))
    seconds = _best(lambda: run_epoch(strata, sides, sizes, random))
    return _rated(seconds, len(by_user.columns), 6 * FACTORS)


def _alternation(both: tuple[Grouped, Grouped]) -> Record:
    """A sweep: either side once, (4 + 4 STEPS) k operations a rating each."""
    random = np.random.default_rng(0)
    sides = [
        random.normal(0, 0.1, (len(side.counts), 1 + FACTORS)).astype(np.float32) for side in both
    ]
    prior = Prior(np.zeros(1 + FACTORS, np.float32), *PRIOR_L2)

    def turn() -> None:
        for own, other in ((0, 1), (1, 0)):
            fixed = FixedSide.of(sides[other], both[other].counts)
            solve_rows(both[own], sides[own], fixed, prior)

    each = 2 * (4 + 4 * STEPS) * FACTORS
    return _rated(_best(turn), len(both[0].columns), each)


def _rated(seconds: float, ratings: int, operations: int) -> Record:
    """operations, and bytes of vectors: either side's 8 k, for one rating."""
    return {
        "ns_a_rating": seconds / ratings * 1e9,
        "gflops": operations * ratings / seconds / 1e9,
        "gb_a_second": (12 + 8 * FACTORS) * ratings / seconds / 1e9,
    }


def _best(work: Callable[[], object]) -> float:
    """Least seconds of some repeats, after one that warms up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main(int(sys.argv[1]))
