"""Reads the files of an edition into its canonical table."""

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from ratecast.data import layouts
from ratecast.data.duplicates import keep_latest
from ratecast.data.layouts import Layout, Tables
from ratecast.data.titles import first_of_title
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, RATING, Ratings, Scale, checked
from ratecast.resources import require_memory
from ratecast.visible_text import counted

# Peak memory of reading, in bytes for each byte of the ratings file.
_PEAK_FACTOR = 3.2


@dataclass(frozen=True)
class Loaded:
    """A table, and a note for each change that was made to it."""

    ratings: Ratings
    notes: tuple[str, ...] = ()


def read_folder(
    folder: Path, scale: Scale | None = None, merge_same_title: bool | None = None
) -> Loaded:
    """The canonical table of an unpacked edition; scale and merge default to the layout's.

    Rows are sorted by time; those of ml-100k keep the order of the file, which defines its folds.
    """
    located = layouts.find(folder)
    if located is None:
        keys = ", ".join(layout.key for layout in layouts.LAYOUTS)
        raise InputError(f"{folder}: no dataset; it must hold dataset.json or one of {keys}")
    layout, home = located
    require_memory((home / layout.key).stat().st_size * _PEAK_FACTOR, str(folder))
    tables = layout.read(home)
    scale = scale or layouts.default_scale(layout, home)
    frame, duplicates = keep_latest(tables.ratings)
    table = Ratings(frame, tables.movies, tables.users, scale)
    notes = [duplicates_note(str(tables.source.path), duplicates)] if duplicates else []
    if merge_same_title if merge_same_title is not None else _is_100k(layout):
        table, merged = _merge_titles(table)
        notes.append(f"movie ids merged with another of the same title: {merged}")
    try:
        table = checked(table, str(tables.source.path))
    except InputError:
        # Of a rating off the scale it says the line.
        refuse_off_scale(tables, scale)
        raise
    return Loaded(table if _is_100k(layout) else table.sorted(), tuple(notes))


def refuse_off_scale(tables: Tables, scale: Scale) -> None:
    """Raise for the first rating that is not a star of `scale`, with its line."""
    ratings = tables.ratings[RATING]
    stars = ratings.unique()
    if scale.holds(stars).all():
        return
    row = int((~scale.holds(ratings)).arg_max() or 0)
    raise InputError(
        f"{tables.source.location(row)}: rating {ratings[row]:g} is not on the scale {scale}; "
        f"{scale.remedy(stars)}"
    )


def duplicates_note(where: str, count: int) -> str:
    """The note about dropped duplicate rows."""
    rows = counted(count, "duplicate row")
    return f"{where}: {rows}; the latest rating of each user and movie is kept"


def _is_100k(layout: Layout) -> bool:
    return layout.key in ("u.data", "ml-100k.inter")


def _merge_titles(ratings: Ratings) -> tuple[Ratings, int]:
    """Movies of the same title become one, and how many ids were merged; every rating stays."""
    movies, merged = first_of_title(ratings.movies)
    frame = ratings.frame.with_columns(pl.col(MOVIE).replace(merged))
    return replace(ratings, frame=frame, movies=movies), len(merged)
