"""Files of a visitor, matched to the catalogue: work for a thread, not for the event loop."""

from collections.abc import Sequence
from dataclasses import dataclass

from ratecast.data.titles import TITLE
from ratecast.errors import InputError
from ratecast.exports.match import match
from ratecast.exports.matches import DOUBTFUL, Matches
from ratecast.exports.merge import merged
from ratecast.exports.read import read_bytes
from ratecast.ids import Id
from ratecast.serving.catalogue import Catalogue, Movie

OFFERED, MOST_OFFERS = 4, 50


@dataclass(frozen=True)
class Uploaded:
    """The matches of the files of a visitor.

    offers: for the first doubtful rows, from 0 in `matches.frame`, movies that the title may be.
    """

    matches: Matches
    offers: dict[int, list[Movie]]


def matched(
    contents: Sequence[tuple[str, bytes]], catalogue: Catalogue, profile: str | None
) -> Uploaded:
    """The matches of files, each a name and its bytes; takes seconds for large catalogues."""
    table = catalogue.titles
    if table[TITLE].null_count() == table.height:
        raise InputError("the movies of this service have no titles, so none can be matched")
    export = merged([(name, read_bytes(data, name, profile)) for name, data in contents])
    matches = match(export, table)
    rows = matches.frame.with_row_index("row").filter(status=DOUBTFUL)[:MOST_OFFERS]
    chosen = rows.select("row", TITLE, "candidate").iter_rows()
    return Uploaded(matches, {row: _offers(catalogue, *found) for row, *found in chosen})


def _offers(catalogue: Catalogue, title: str, candidate: Id) -> list[Movie]:
    """The best candidate, and movies that a search finds by the title."""
    best = catalogue.movies[catalogue.line[candidate]]
    found = catalogue.search(title, OFFERED)
    return [best, *(movie for movie in found if movie.id != candidate)][:OFFERED]
