"""Which column of a table has which role: user, movie, rating, at, title, genres."""

import re
from collections.abc import Mapping
from pathlib import Path

from ratecast.data.titles import GENRES, TITLE
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER
from ratecast.table_options import TableOptions

# Recognised column names by role, best first; case, spaces and underscores do not matter.
NAMES = {
    USER: ("userid", "user", "uid", "viewer", "customerid", "reviewerid"),
    MOVIE: ("movieid", "itemid", "movie", "item", "mid", "iid", "film", "filmid", "asin", "title"),
    RATING: ("rating", "stars", "score", "ratings", "overall"),
    AT: ("timestamp", "time", "at", "datetime", "date", "ratedat", "unixreviewtime"),
    TITLE: ("title", "movietitle", "itemtitle", "name"),
    GENRES: ("genres", "genre"),
}
REQUIRED = (USER, MOVIE, RATING)


def wanted_roles(
    names: list[str],
    options: TableOptions,
    path: Path | str,
    required: tuple[str, ...] = REQUIRED,
) -> dict[str, str]:
    """`roles` as the options give them, without the time where it is to be left out."""
    chosen = roles(names, options.roles, path, required)
    if options.no_time:
        chosen.pop(AT, None)
    _refuse_shared(names, chosen, path)
    return chosen


def roles(
    names: list[str],
    columns: Mapping[str, str],
    path: Path | str,
    required: tuple[str, ...] = REQUIRED,
) -> dict[str, str]:
    """Role to column name: as given, else recognised. Raises if a required role has no column."""
    for role, name in columns.items():
        if role not in NAMES:
            raise InputError(f"columns: unknown role {role!r}; roles are {', '.join(NAMES)}")
        if name not in names:
            raise InputError(f"{path}: no column {name!r}; columns are {', '.join(names)}")
    chosen = dict(columns)
    normalized = {_normalized(name): name for name in reversed(names)}
    for role, recognised in NAMES.items():
        match = next((name for name in recognised if name in normalized), None)
        if role not in chosen and match is not None:
            chosen[role] = normalized[match]
    for role in required:
        if role not in chosen:
            raise InputError(
                f"{path}: no column for {role}; columns are {', '.join(names)}; "
                f"give it as {role}=NAME"
            )
    return chosen


def _refuse_shared(names: list[str], chosen: dict[str, str], path: Path | str) -> None:
    """Refuse one column in two roles, and a role whose column's name two columns have."""
    # A title serves as the movie's id where there is no other.
    used = {role: name for role, name in chosen.items() if role != TITLE}
    for role, name in used.items():
        others = [other for other, shared in used.items() if shared == name and other != role]
        if others:
            raise InputError(
                f"{path}: column {name!r} is for {role} and for {others[0]}; "
                f"give another as {others[0]}=NAME"
            )
        if names.count(name) > 1:
            raise InputError(f"{path}: two columns are called {name!r}; rename one")


def ambiguities(
    names: list[str], columns: Mapping[str, str], chosen: dict[str, str], path: Path
) -> list[str]:
    """A note for each role that more than one column name matches."""
    notes = []
    for role in {USER, MOVIE, RATING, AT} & chosen.keys() - columns.keys():
        recognised = [name for name in NAMES[role] if name != TITLE]
        others = [n for n in names if _normalized(n) in recognised and n not in chosen.values()]
        if others:
            used = f"{path}: {role} is taken from column {chosen[role]}"
            notes.append(f"{used}, not {' or '.join(others)}")
    return sorted(notes)


def _normalized(name: str) -> str:
    # recbole writes user_id:token.
    return re.sub(r"[\s_\-.]", "", name.partition(":")[0]).lower()
