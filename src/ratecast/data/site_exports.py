"""What rating sites export of one person, which is no table of several users.

Files are recognised by content: `ratecast import` reads them, and a table is refused with its name.
"""

import csv
import shlex
from collections.abc import Collection
from pathlib import Path

from ratecast.errors import InputError

LETTERBOXD = ("Date", "Name", "Year", "Letterboxd URI", "Rating")
LETTERBOXD_DIARY = (*LETTERBOXD, "Rewatch", "Watched Date")
LETTERBOXD_FORM = ("Title", "Year", "Rating")
IMDB = ("Const", "Your Rating", "Date Rated", "Title", "Year")
IMDB_OLD = ("const", "created", "Title", "You rated", "Year")
GOODREADS = ("Book Id", "Title", "Author", "My Rating", "Date Read", "Date Added")
STORYGRAPH = ("Title", "Authors", "ISBN/UID", "Star Rating")
TRAKT_CSV = ("rated_at", "type", "title", "year", "trakt_id", "imdb_id", "tmdb_id", "rating")
TRAKT_JSON = ("rated_at", "rating", "movie")
NETFLIX = ("Profile Name", "Title Name", "Rating Type", "Star Value", "Event Utc Ts")
_SITES = (
    (LETTERBOXD, "Letterboxd"),
    (IMDB, "IMDb"),
    (IMDB_OLD, "IMDb"),
    (GOODREADS, "Goodreads"),
    (STORYGRAPH, "StoryGraph"),
    (TRAKT_CSV, "Trakt"),
    (TRAKT_JSON, "Trakt"),
    (NETFLIX, "Netflix"),
    (LETTERBOXD_FORM, "Letterboxd"),
)


def site_of(columns: Collection[str]) -> str | None:
    """The site whose export has these columns, and maybe others."""
    names = set(columns)
    return next((site for wanted, site in _SITES if names.issuperset(wanted)), None)


def site_of_text(head: bytes) -> str | None:
    """The site whose export begins so, as the site writes it."""
    text = head.decode("utf-8-sig", "replace").lstrip()
    if text.startswith("<"):
        return "MyAnimeList" if "<myanimelist" in text else None
    if text.startswith("["):
        return "Trakt" if '"rated_at"' in text and '"movie"' in text else None
    return site_of(next(csv.reader(text.splitlines()[:1]), []))


def refusal(path: Path | str, site: str) -> InputError:
    """The error where a table is wanted. path: of the file, or of a member of an archive."""
    places = (Path(path), *Path(path).parents)
    file = next((shlex.quote(str(place)) for place in places if place.is_file()), "FILE")
    return InputError(
        f"{path}: the export of one person's ratings from {site}, not a table of several users; "
        f"ratecast import {file} reads it"
    )
