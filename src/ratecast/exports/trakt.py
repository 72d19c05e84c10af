"""Trakt: ratings-movies.json, and the CSV that holds shows, seasons and episodes too."""

import json
from collections.abc import Mapping
from typing import Any

from ratecast.errors import InputError
from ratecast.exports.export import Collector, Entry, Export
from ratecast.exports.sheet import Sheet, imdb_of, iso_time, number_of
from ratecast.ratings import Scale

SCALE = Scale(1, 10)
_FILM = "movie"
_KINDS = ("episode", "season", "show")


def read_csv(sheet: Sheet) -> Export:
    """The CSV; `trakt_rating` in it is the mean of everyone. An episode has its show's title."""
    collector = Collector("Trakt", SCALE, sheet.where)
    for row in sheet.rows():
        if row.text("type") != _FILM:
            collector.leave_out(f"of the type {row.text('type')}")
            continue
        rating = collector.stars(row.location, row.text("rating"))
        if rating is None:
            continue
        title, year = row.text("title"), row.text("year")
        imdb, tmdb = imdb_of(row.text("imdb_id")), number_of(row.text("tmdb_id"))
        key = row.text("trakt_id") or imdb or (title, year)
        at = collector.time(iso_time, row.text("rated_at"))
        collector.add(Entry(key, title, rating, at, collector.year(year), imdb=imdb, tmdb=tmdb))
    return collector.result()


def read_json(pages: Mapping[str, bytes]) -> Export | None:
    """The JSON, in pages by file, or None if it is not of Trakt. Raises `InputError`."""
    collector = Collector("Trakt", SCALE, next(iter(pages)))
    for where, data in pages.items():
        try:
            items = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{where}: not JSON ({error}); get the file from the site again"
            ) from None
        # Trakt writes an empty list for a person without ratings.
        if not isinstance(items, list) or (items and not any(map(_is_rating, items))):
            return None
        for number, item in enumerate(items, 1):
            _add(collector, item, f"{where}, item {number}")
    return collector.result()


def _is_rating(item: Any) -> bool:
    return isinstance(item, dict) and "rated_at" in item and "rating" in item


def _add(collector: Collector, item: Any, location: str) -> None:
    if not _is_rating(item):
        raise InputError(f"{location}: no rating of Trakt; get the file from the site again")
    film = item.get(_FILM)
    if not isinstance(film, dict):
        kind = item.get("type") or next((name for name in _KINDS if name in item), "unknown")
        collector.leave_out(f"of the type {kind}")
        return
    rating = collector.stars(location, _text(item["rating"]))
    if rating is None:
        return
    found = film.get("ids")
    ids = found if isinstance(found, dict) else {}
    title, year = _text(film.get("title")), collector.year(_text(film.get("year")))
    imdb, tmdb = imdb_of(_text(ids.get("imdb"))), number_of(_text(ids.get("tmdb")))
    key = _text(ids.get("trakt")) or imdb or (title, year)
    at = collector.time(iso_time, _text(item["rated_at"]))
    collector.add(Entry(key, title, rating, at, year, imdb=imdb, tmdb=tmdb))


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
