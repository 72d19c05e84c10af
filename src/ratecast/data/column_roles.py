"""Which column of a table has which role: user, movie, rating, at, title, genres."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ratecast.data.site_exports import refusal, site_of
from ratecast.data.titles import GENRES, TITLE
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER
from ratecast.table_options import TableOptions

# Recognised column names by role, best first; case, spaces and underscores do not matter.
NAMES = {
    USER: (
        *("userid", "user", "uid", "viewer", "customerid", "reviewerid", "memberid", "profileid"),
        *("raterid", "username"),
    ),
    MOVIE: (
        *("movieid", "itemid", "movie", "item", "mid", "iid", "film", "filmid", "productid"),
        *("parentasin", "asin", "bookid", "isbn", "animeid", "gameid", "businessid", "stockcode"),
        *("songid", "trackid", "artistid", "recipeid", "jokeid", "beerid", "placeid", "title"),
    ),
    RATING: (
        *("rating", "stars", "score", "ratings", "overall", "userrating", "myrating", "yourrating"),
        *("starrating", "bookrating", "movierating", "reviewoverall", "reviewscore", "myscore"),
        *("userscore", "ratingvalue"),
    ),
    AT: (
        *("timestamp", "time", "at", "datetime", "date", "ratedat", "unixreviewtime", "when"),
        *("ratingtime", "ratingdate", "daterated", "ratedon", "reviewtime", "reviewdate"),
        *("dateadded", "addedat", "createdat", "created", "unixtime", "tstamp"),
    ),
    TITLE: ("title", "movietitle", "itemtitle", "name"),
    GENRES: ("genres", "genre"),
}
REQUIRED = (USER, MOVIE, RATING)
_MOST_LISTED = 12
# Names that occur again in a text have the number of their column.
_NUMBERED = re.compile(r"(.+) \((\d+)\)")
# pandas writes the numbers of the rows as a column.
_INDEX = ("__index_level_0__",)


class Needed(NamedTuple):
    """What a table must have: the roles without which it is refused; and those left out of it."""

    required: tuple[str, ...] = REQUIRED
    left_out: tuple[str, ...] = ()


RATINGS = Needed()


def wanted_roles(
    names: list[str], options: TableOptions, path: Path | str, needed: Needed = RATINGS
) -> dict[str, str]:
    """`roles` as the options give them, without those that are to be left out."""
    chosen = roles(names, options.roles, path, needed.required)
    for role in (*needed.left_out, *([AT] if options.no_time else [])):
        chosen.pop(role, None)
    _refuse_shared(chosen, path)
    return chosen


def roles(
    names: list[str],
    columns: Mapping[str, str],
    path: Path | str,
    required: tuple[str, ...] = REQUIRED,
) -> dict[str, str]:
    """Role to column name: as given, by name or number, else recognised.

    Raises `InputError` if a required role has no column, or one column has two of the roles.
    """
    # Numbers are those of columns, unless each is a name.
    are_names = all(name in names for name in columns.values() if name.isdigit())
    chosen = {
        role: _named(role, name, names, path, by_number=not are_names)
        for role, name in columns.items()
    }
    plain = {normalized(name): name for name in reversed(names)}
    for role, recognised in NAMES.items():
        match = next((name for name in recognised if name in plain), None)
        if role not in chosen and match is not None:
            chosen[role] = plain[match]
        elif role not in chosen and role in (*REQUIRED, AT):
            _refuse_twins(role, names, path)
    lacking = [role for role in required if role not in chosen]
    if lacking:
        site = site_of(names) if USER in lacking else None
        if site is not None:
            raise refusal(path, site)
        wanted = {**columns, **dict.fromkeys(lacking, "NAME")}
        raise InputError(
            f"{path}: no column for {_and(lacking)}; columns are {listed(names)}; "
            f"give {_option(wanted)}, by name or number{_advice(names, lacking, path)}"
        )
    return chosen


def columns_named(given: Sequence[str], names: list[str], path: Path | str) -> list[str]:
    """The columns of these names, or of these numbers from 1. Raises `InputError` for another."""
    by_number = not all(name in names for name in given if name.isdigit())
    return [_column(name, names, path, by_number=by_number) for name in given]


def is_recognised(name: str) -> bool:
    """Whether a column of this name is recognised as user, movie, rating or time."""
    return normalized(name) in {n for role in (USER, MOVIE, RATING, AT) for n in NAMES[role]}


def is_side(role: str) -> bool:
    """Whether the role is a further column of the movies or users, such as movie.price."""
    kind, dot, name = role.partition(".")
    return kind in (USER, MOVIE) and bool(dot and name)


def ambiguities(
    names: list[str],
    columns: Mapping[str, str],
    chosen: dict[str, str],
    path: Path | str,
    needed: Needed = RATINGS,
) -> list[str]:
    """A note for each role that more than one name matches, and one on columns without a role.

    Ratings that the table need not have are said too, since they may be something else.
    """
    notes, doubtful = [], set()
    if RATING in chosen and RATING not in needed.required:
        name = chosen[RATING]
        notes = [f"{path}: true ratings are in column {name}; to leave them out: --no-rating"]
    for role in {USER, MOVIE, RATING, AT} & chosen.keys() - columns.keys():
        recognised = [name for name in NAMES[role] if name != TITLE]
        others = [n for n in names if normalized(n) in recognised and n not in chosen.values()]
        doubtful |= set(others)
        if others:
            used = f"{path}: {role} is taken from column {chosen[role]}"
            notes.append(f"{used}, not {' or '.join(others)}")
    rest = [n for n in names if n not in {*chosen.values(), *doubtful} and n not in _INDEX]
    return sorted(notes) + ([f"{path}: columns not used: {listed(rest)}"] if rest else [])


def listed(names: list[str]) -> str:
    """The names, or the first of many."""
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _named(role: str, name: str, names: list[str], path: Path | str, *, by_number: bool) -> str:
    """The column of that name, or of that number from 1."""
    if role not in NAMES and not is_side(role):
        near = next((known for known, usual in NAMES.items() if role.lower() in usual), None)
        known = f"roles are {', '.join(NAMES)}, and for further columns of a movie or user as"
        hint = f"did you mean {near}={name}?" if near else f"{known} movie.price or user.country"
        raise InputError(f"columns: unknown role {role!r}; {hint}")
    return _column(name, names, path, by_number=by_number)


def _column(name: str, names: list[str], path: Path | str, *, by_number: bool) -> str:
    if by_number and name.isdigit() and 1 <= int(name) <= len(names):
        return names[int(name) - 1]
    if name not in names:
        raise InputError(f"{path}: no column {name!r}; columns are {listed(names)}")
    return name


def _refuse_shared(chosen: Mapping[str, str], path: Path | str) -> None:
    """Refuse one column in two roles."""
    # A title serves as the movie's id where there is no other.
    used = {role: name for role, name in chosen.items() if role != TITLE}
    for role, name in used.items():
        others = [other for other, shared in used.items() if shared == name and other != role]
        if others:
            raise InputError(
                f"{path}: column {name!r} is for {role} and for {others[0]}; "
                f"give another by {_option({others[0]: 'NAME'})}"
            )


def _refuse_twins(role: str, names: list[str], path: Path | str) -> None:
    """Refuse a role whose column's name several columns have; those of a text have numbers."""
    twins = [found for found in map(_NUMBERED.fullmatch, names) if found]
    of_role = [found for found in twins if normalized(found[1]) in NAMES[role]]
    if len(of_role) > 1:
        raise InputError(
            f"{path}: two columns are called {of_role[0][1]!r}; rename one, or give one by "
            f"{_option({role: of_role[0][2]})}"
        )


def _option(columns: Mapping[str, str]) -> str:
    """The option for these columns, as it is typed."""
    pairs = ",".join(f"{role}={name}" for role, name in columns.items())
    return f"--columns {pairs} (columns= in Python)"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _advice(names: list[str], lacking: list[str], path: Path | str) -> str:
    """What else may be wrong where roles have no column."""
    advice = ""
    in_file = isinstance(path, Path)
    if in_file and sum(any(letter.isdigit() for letter in name) for name in names) * 2 > len(names):
        advice += ", or --header no (header=False) if line 1 is a rating"
    if len(names) > len(REQUIRED) and {MOVIE, RATING} <= set(lacking):
        advice += ", or --wide (wide=True) if each movie has a column"
    return advice


def normalized(name: str) -> str:
    """The name as names are compared; recbole writes user_id:token."""
    return re.sub(r"[\s_\-.]", "", name.partition(":")[0]).lower()
