"""A folder in the layout of MovieTweetings: ratings.dat, movies.dat, users.dat, with `::`.

Those of MovieLens have the same names; they are editions, with a scale of their own.
"""

import re
from itertools import islice
from pathlib import Path

from ratecast.data import layouts

_RATINGS, _MOVIES, _USERS = "ratings.dat", "movies.dat", "users.dat"
_LINES = {
    _RATINGS: r"\d+::\d+::\d+(\.\d+)?::\d+",
    _MOVIES: r"\d+::.*::.*",
    _USERS: r"\d+::.+",
}
_SAMPLE_LINES = 100


def ratings_in(folder: Path) -> Path | None:
    """The file of the ratings in a folder of this layout; None for another folder."""
    path = folder / _RATINGS
    is_one = _has_lines(path) and _has_lines(folder / _MOVIES)
    return path if is_one and layouts.find(folder) is None else None


def sides_in(folder: Path) -> tuple[Path | None, Path | None]:
    """The files of the movies and of the users, if there is one."""
    movies, users = folder / _MOVIES, folder / _USERS
    return movies, users if _has_lines(users) else None


def _has_lines(path: Path) -> bool:
    """Whether most of the first lines are those of the layout."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = [line.strip() for line in islice(file, _SAMPLE_LINES)]
    return sum(bool(re.fullmatch(_LINES[path.name], line)) for line in lines) * 2 > len(lines)
