"""From the files of an edition to its canonical table."""

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from ratecast.data import layouts
from ratecast.data.duplicates import keep_latest
from ratecast.data.layouts import Layout, Tables
from ratecast.data.titles import first_of_title
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, RATING, Ratings, Scale, checked
from ratecast.resources import in_memory

# Bytes in memory at the peak of reading, for each byte of the ratings' file.
_READ_TIMES = 3.2


@dataclass(frozen=True)
class Read:
    """A table, and what was done to it that is worth saying."""

    ratings: Ratings
    notes: tuple[str, ...] = ()


def read_folder(
    folder: Path, scale: Scale | None = None, merge_same_title: bool | None = None
) -> Read:
    """The canonical table of an unpacked edition; scale and merge default to the layout's.

    Rows are in order of time; those of ml-100k in that of the file, by which its folds go.
    """
    found = layouts.find(folder)
    if found is None:
        keys = ", ".join(layout.key for layout in layouts.LAYOUTS)
        raise InputError(f"{folder}: no dataset in it; looked for dataset.json, {keys}")
    layout, place = found
    in_memory((place / layout.key).stat().st_size * _READ_TIMES, str(folder))
    tables = layout.read(place)
    scale = scale or layouts.default_scale(layout, place)
    refuse_off_scale(tables, scale)
    frame, repeats = keep_latest(tables.ratings)
    table = Ratings(frame, tables.movies, tables.users, scale)
    notes = [repeats_note(str(tables.sheet.path), repeats)] if repeats else []
    if merge_same_title if merge_same_title is not None else _is_100k(layout):
        table, gone = _merged(table)
        notes.append(f"movie ids merged with another of the same title: {gone}")
    table = checked(table, str(tables.sheet.path))
    return Read(table if _is_100k(layout) else table.sorted(), tuple(notes))


def refuse_off_scale(tables: Tables, scale: Scale) -> None:
    """Raise for the first rating that is not a star of `scale`, with its line."""
    ratings = tables.ratings[RATING]
    stars = ratings.unique()
    if scale.holds(stars).all():
        return
    row = int((~scale.holds(ratings)).arg_max() or 0)
    raise InputError(
        f"{tables.sheet.place(row)}: rating {ratings[row]:g} is not on the scale {scale}; "
        "correct it or say the scale"
    )


def repeats_note(where: str, count: int) -> str:
    """What is said where rows were left out because a later one stands for them."""
    return (
        f"{where}: rows that rate a movie again: {count}; the latest of each user and movie is kept"
    )


def _is_100k(layout: Layout) -> bool:
    return layout.key in ("u.data", "ml-100k.inter")


def _merged(ratings: Ratings) -> tuple[Ratings, int]:
    """Same-title movies become one; every rating stays, as it is a rating of its own."""
    movies, gone = first_of_title(ratings.movies)
    frame = ratings.frame.with_columns(pl.col(MOVIE).replace(gone))
    return replace(ratings, frame=frame, movies=movies), len(gone)
