"""What each column of side information is worth to the forecasts of a fitted model.

    importance = RMSE with the column's values permuted among the users or movies - RMSE

A model that has learned a movie from its ratings no longer looks at some of its columns, so most of
a column's worth is in the rows of new users and movies; what it gave to the fit is not measured.
Reference: Breiman 2001, "Random forests", section 10.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.data.side_columns import known_by, last_time
from ratecast.data.titles import TITLE
from ratecast.modelling.contract.model import Model
from ratecast.progress import bar
from ratecast.ratings import MOVIE, USER, Ratings
from ratecast.splits import Split

# More rows or permutations change a figure by less than the rows of another week would.
MAX_ROWS, PERMUTATIONS = 5_000, 3
_NOT_LOOKED_AT = (TITLE, "imdb", "tmdb")


class Importance(NamedTuple):
    """The importance of one column, in stars. kind: `user` or `movie`, whose column it is.

    rmse: over all n rows. rmse_new: over the n_new rows whose user or movie is new; NaN if none is.
    """

    kind: str
    column: str
    rmse: float
    n: int
    rmse_new: float
    n_new: int


def permutation_importance(
    model: Model, split: Split, part: str, seed: int = 0
) -> tuple[Importance, ...]:
    """The importance of every column, highest first, for a model fitted on the split's train part.

    part: the part whose rows are forecast; of many, a random sample. None for a model that does not
    use side information, and without any.
    """
    names = list(_columns(split.train))
    if not (model.uses_side_information and names and part in split.parts):
        return ()
    random = np.random.default_rng(seed)
    rows = known_by(split.parts[part], last_time(split.train))
    if len(rows) > MAX_ROWS:
        rows = rows.take(np.sort(random.choice(len(rows), MAX_ROWS, replace=False)))
    encoded, counts = model.encode(rows), model.counts
    new = {
        USER: counts.of_users[encoded.users] == 0,
        MOVIE: counts.of_movies[encoded.movies] == 0,
    }
    with bar(f"{model.name}: worth of the columns"):
        errors = _errors(model, rows)
        found = []
        for kind, name in names:
            shuffled = [
                _errors(model, _permuted(rows, kind, name, random)) for _ in range(PERMUTATIONS)
            ]
            changes = [
                _rmse(np.array(shuffled), mask) - _rmse(errors, mask)
                for mask in (np.ones(len(rows), bool), new[kind])
            ]
            found.append(
                Importance(kind, name, changes[0], len(rows), changes[1], int(new[kind].sum()))
            )
    return tuple(sorted(found, key=lambda one: -one.rmse))


def averaged(folds: Sequence[Sequence[Importance]]) -> tuple[Importance, ...]:
    """The importance of every column over the rows of all folds, highest first."""
    if len(folds) == 1:
        return tuple(folds[0])
    of_column: dict[tuple[str, str], list[Importance]] = {}
    for one in (one for fold in folds for one in fold):
        of_column.setdefault((one.kind, one.column), []).append(one)
    means = [
        Importance(
            *column,
            _mean([one.rmse for one in found], [one.n for one in found]),
            sum(one.n for one in found),
            _mean([one.rmse_new for one in found], [one.n_new for one in found]),
            sum(one.n_new for one in found),
        )
        for column, found in of_column.items()
    ]
    return tuple(sorted(means, key=lambda one: -one.rmse))


def _mean(values: list[float], rows: list[int]) -> float:
    """Weighted by rows; NaN without any."""
    weighted = [value * n for value, n in zip(values, rows, strict=True) if n]
    return sum(weighted) / sum(rows) if weighted else float("nan")


def _columns(ratings: Ratings) -> Iterator[tuple[str, str]]:
    for kind, table in ((USER, ratings.users), (MOVIE, ratings.movies)):
        for name in table.columns:
            if name not in (kind, *_NOT_LOOKED_AT):
                yield kind, name


def _permuted(rows: Ratings, kind: str, name: str, random: np.random.Generator) -> Ratings:
    """The rows, with the values of one column permuted among their users or movies."""
    side = rows.users if kind == USER else rows.movies
    table = rows.frame.select(pl.col(kind).unique(maintain_order=True)).join(
        side, on=kind, how="left", maintain_order="left"
    )
    order = pl.Series(random.permutation(table.height))
    table = table.with_columns(table[name].gather(order))
    return replace(rows, users=table) if kind == USER else replace(rows, movies=table)


def _errors(model: Model, rows: Ratings) -> F64:
    errors: F64 = model.predict(rows.requests()).stars - rows.stars
    return errors


def _rmse(errors: F64, mask: NDArray[np.bool_]) -> float:
    """Over the rows of the mask, and over permutations. errors: (n,) or (permutations, n)."""
    return float(np.sqrt(np.mean(errors[..., mask] ** 2))) if mask.any() else float("nan")
