"""Several files of one person, such as ratings.csv and diary.csv, read without counting twice."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.errors import InputError
from ratecast.exports.export import AUTHOR, IMDB, TITLE, YEAR, Export
from ratecast.exports.read import read_export
from ratecast.ratings import AT
from ratecast.visible_text import counted

_TWICE = "in several files: {}, of which the last dated rating counts, then the last file"
_SHARED = "left out: {} of a later file whose title and year two rated titles share"
Row = dict[str, Any]


def read_exports(paths: Sequence[Path], profile: str | None = None) -> Export:
    """The ratings in the files of one person from one site.

    profile: of a Netflix export with several. Raises `InputError` as `read_export` does, and for
    files of different sites, whose scales differ.
    """
    if not paths:
        raise InputError("no file; give the file that the site made")
    return merged([(path.name, read_export(path, profile)) for path in paths])


def merged(named: Sequence[tuple[str, Export]]) -> Export:
    """The exports as one, in which each title has one rating.

    Titles of two files are the same if they have one IMDb number, else one title, year and author.
    named: each with the name of its file.
    """
    (_, first), *others = named
    if not others:
        return first
    sources = list(dict.fromkeys(export.source for _, export in named))
    if len(sources) > 1:
        raise InputError(
            f"files of {' and '.join(sources)}, whose scales differ; import them one by one"
        )
    rows: list[Row] = first.frame.to_dicts()
    twice = shared = 0
    for _, export in others:
        places = _places(rows)
        for row in export.frame.to_dicts():
            same = places.get(_key(row), [])
            if not same:
                rows.append(row)
            elif len(same) > 1:
                shared += 1
            else:
                twice += 1
                rows[same[0]] = _later(rows[same[0]], row)
    found = ((_TWICE, twice, "title"), (_SHARED, shared, "row"))
    notes = [f"{name}: {note}" for name, export in named for note in export.notes]
    notes += [text.format(counted(count, noun)) for text, count, noun in found if count]
    frame = pl.DataFrame(rows, schema=first.frame.schema)
    return replace(first, frame=frame, notes=tuple(notes))


def _places(rows: list[Row]) -> dict[Hashable, list[int]]:
    places = defaultdict(list)
    for place, row in enumerate(rows):
        places[_key(row)].append(place)
    return places


def _key(row: Row) -> Hashable:
    return row[IMDB] or (row[TITLE].strip().casefold(), row[YEAR], row.get(AUTHOR))


def _later(one: Row, other: Row) -> Row:
    """The row with the later date; without dates, or with the same, the other."""
    times = (float("-inf") if row[AT] is None else row[AT] for row in (one, other))
    return one if next(times) > next(times) else other
