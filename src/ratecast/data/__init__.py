"""Data: editions of MovieLens and tables of one's own, brought into one form."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ratecast.data import canonical
from ratecast.data.cache import home
from ratecast.data.edition_reader import read_folder
from ratecast.data.editions import CITATION, EDITIONS, Edition, edition_of
from ratecast.data.notices import Say, to_stderr
from ratecast.data.sources import fetch
from ratecast.data.summary import describe
from ratecast.data.table_file import read_table
from ratecast.errors import InputError
from ratecast.ratings import Ratings, Scale, checked

__all__ = [
    "CITATION",
    "EDITIONS",
    "Edition",
    "describe",
    "edition_of",
    "fetch",
    "home",
    "load",
    "load_as",
]


def load(
    source: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    scale: Scale | None = None,
    say: Say = to_stderr,
) -> Ratings:
    """The ratings of an edition, of an unpacked or canonical folder, or of a table of one's own.

    source: the name of an edition (fetched unless it is in the cache), a folder, or a CSV or
    Parquet file. columns: for a file, role to column name where it would not be recognised.
    scale: where it is not the edition's or cannot be inferred. say: hears what was assumed,
    merged or left out. An edition goes before a folder of the same name; write ./NAME for that.
    """
    path = Path(source).expanduser()
    if columns and not path.is_file():
        raise InputError(f"{source}: column names are for a table of your own; leave them out")
    if str(source) in EDITIONS:
        return _on(canonical.read(fetch(str(source), say=say)), scale, str(source))
    if path.is_dir() and (path / canonical.FACTS).exists():
        return _on(canonical.read(path), scale, str(source))
    if not path.exists():
        known = ", ".join(EDITIONS)
        raise InputError(f"{source}: no such file or folder, and no edition; editions are {known}")
    try:
        read = read_folder(path, scale) if path.is_dir() else read_table(path, columns, scale)
    except OSError as error:
        raise InputError(f"{source}: {error.strerror or error}; check its rights") from None
    for note in read.notes:
        say(note)
    return read.ratings


def load_as(source: str | Path, columns: str | None = None, scale: str | None = None) -> Ratings:
    """`load`, from what a person types.

    columns: "role=name" with commas between them, as in "user=who,movie=film,rating=score"; roles
    are user, movie, rating, at, title and genres. scale: low:high:step, as in 0.5:5:0.5.
    """
    named = dict(_role(pair) for pair in columns.split(",")) if columns else None
    return load(source, columns=named, scale=Scale.parse(scale) if scale else None)


def _role(pair: str) -> tuple[str, str]:
    role, equals, name = pair.partition("=")
    if not (role and equals and name):
        raise InputError(f"columns: {pair!r} is not role=name, as in movie=film")
    return role, name


def _on(ratings: Ratings, scale: Scale | None, where: str) -> Ratings:
    return ratings if scale is None else checked(replace(ratings, scale=scale), where)
