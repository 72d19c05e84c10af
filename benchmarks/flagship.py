"""`state_space` on ten million ratings: its fit, its walk with every refit, and their memory."""

import copy
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import polars as pl

from benchmarks.loading import peak, timed
from benchmarks.peers import ours
from benchmarks.records import Record, Step
from benchmarks.tables import grown
from ratecast.evaluation.protocol import as_of
from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import MOVIE, USER, Ratings
from ratecast.splits import chronological

# Some users of the larger table, with all they rated: so that there are as many movies as there.
ROWS, OF, STREAM = 10_000_000, 25_000_000, 200_000


def steps(rows: int = ROWS, of: int = OF) -> list[Step]:
    """The only one, in a process of its own."""
    return [("state_space", lambda: _alone(rows, of))]


def _alone(rows: int, of: int) -> Record:
    grown(of)
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        return fresh.submit(measured, rows, of).result()


def measured(rows: int, of: int) -> Record:
    """Seconds and ratings of each stage, and GB of memory at most."""
    table = _some(ours.load(grown(of)["train"]), rows)
    split, model = chronological(table), _Counted()
    fit, _ = timed(lambda: model.fit(split.train, split.valid))
    assert split.valid is not None
    early = split.valid.take(slice(0, STREAM))
    between, _ = timed(lambda: copy.deepcopy(model).walk(early))
    whole, _ = timed(lambda: as_of(model, split.parts))
    later = len(split.valid) + len(split.test)
    return {
        "ratings": len(table),
        "users": table.frame[USER].n_unique(),
        "movies": table.frame[MOVIE].n_unique(),
        "peak_gb": peak(),
        "refits": model.refits,
        "stages": {
            "fit": [len(split.train), fit],
            "walk between two refits": [len(early), between],
            "as-of walk of validation and test, with its refits": [later, whole],
        },
    }


class _Counted(StateSpace):
    """Counts how often it is refitted on the way."""

    refits: int = 0

    def refresh(self, ratings: Ratings) -> None:
        """As ever."""
        super().refresh(ratings)
        self.refits += 1


def _some(table: Ratings, rows: int) -> Ratings:
    """All ratings of users drawn by chance, about so many."""
    users = table.frame[USER].unique().sort()
    share = min(rows / len(table), 1.0)
    drawn = pl.Series(np.random.default_rng(0).random(len(users)) < share)
    return table.take(table.frame[USER].is_in(users.filter(drawn).implode()).to_numpy())
