"""The forecasts of many pairs, as a table in parts: a run of pairs in each."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.evaluation.pair_sources import PairsOfFile, PairSource
from ratecast.evaluation.part_runs import PartRun, SavedModel, Slices, make_parts, versions
from ratecast.evaluation.pooled_errors import PooledErrors
from ratecast.evaluation.scored_pairs import ScoredPairs
from ratecast.modelling.contract.forecast import LEVELS
from ratecast.parted_table import Part
from ratecast.queries.many_forecasts import blocks
from ratecast.workers import LOCAL, Place

_ERRORS = "errors"
# Beside a number for the stars and each probability, compressed.
_ROW_BYTES = 16


@dataclass(frozen=True, eq=False)
class Forecasts:
    """The forecasts of a saved model."""

    saved: SavedModel

    def part(self, *given: Any) -> tuple[pl.DataFrame, dict[str, Any]]:
        """The forecasts of some pairs: see `Maker`. given: `Pairs` or `PairsOfFile`.

        The errors of each block are noted, so that their sum does not depend on the parts.
        """
        (some,) = given
        model, tables, errors = self.saved.load(), list[pl.DataFrame](), []
        found = some.read() if isinstance(some, PairsOfFile) else some
        pairs, ratings = found.requests, found.ratings
        for block in blocks(len(pairs)):
            true = None if ratings is None else ratings[block]
            scored = ScoredPairs(model, pairs.take(block), true)
            tables += scored.tables()
            errors.append(astuple(scored.errors))
        return pl.concat(tables), {_ERRORS: errors}


def write_forecast_parts(
    out: Path, saved: SavedModel, pairs: PairSource, place: Place = LOCAL
) -> list[Part]:
    """Write the forecasts of pairs to a folder of parts, in their order; see `make_parts`.

    The parts are the same for any number of workers. Raises `InputError`.
    """
    model = saved.load()
    made_from = {
        "table": "forecasts",
        "artifact": saved.identity,
        "pairs": pairs.fingerprint(),
        "in_part": pairs.size,
        "versions": versions(),
    }
    chances = len(LEVELS if model.scale.is_continuous else model.scale.stars)
    row_bytes = _ROW_BYTES + 8 * (1 + chances)
    run = PartRun(out, f"{model.name}: predict", made_from, saved, len(pairs), row_bytes)
    # The workers read their own, and this process needs it no more.
    del model
    given = Slices(len(pairs), pairs.size, lambda part: (pairs.given(part),))
    reads = () if pairs.folder is None else (pairs.folder,)
    return make_parts(run, Forecasts(saved), given, place, reads)


def errors_of(parts: Sequence[Part]) -> PooledErrors:
    """The errors of all forecasts in parts, summed block by block in their order."""
    errors = PooledErrors()
    for part in parts:
        for block in part.notes[_ERRORS]:
            errors.merge(PooledErrors(*block))
    return errors
