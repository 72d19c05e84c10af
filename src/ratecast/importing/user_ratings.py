"""The ratings of one user, of a table or of a running service, with titles."""

from dataclasses import dataclass

import polars as pl

from ratecast.data.titles import TITLE, YEAR
from ratecast.errors import InputError
from ratecast.ids import id_of
from ratecast.importing.client import Client
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, Scale


@dataclass(frozen=True)
class UserRatings:
    """frame: columns movie, title, rating and, where known, year and at. scale: of the ratings."""

    frame: pl.DataFrame
    scale: Scale


def of_table(table: Ratings, user: str) -> UserRatings:
    """The ratings of one user of a table with titles. Raises `InputError` if there are none."""
    own = table.frame.filter(pl.col(USER).cast(pl.String) == id_of(user, True, USER))
    if not own.height:
        raise InputError(f"user {user!r}: has no ratings in this table; give the id of one who has")
    if TITLE not in table.movies.columns:
        raise InputError(
            "export: the table has no titles, by which Letterboxd finds films; give one with a "
            "column title, or name it, as in --columns title=NAME"
        )
    known = [name for name in (MOVIE, TITLE, YEAR) if name in table.movies.columns]
    movies = table.movies.select(known).unique(MOVIE, keep="first")
    return UserRatings(
        own.drop(USER).join(movies, on=MOVIE, how="left", maintain_order="left"), table.scale
    )


def of_service(client: Client, user: str) -> UserRatings:
    """The ratings of one user of a service. Raises `InputError` for one who has none."""
    rated = client.of_user(user).get("ratings")["ratings"]
    if not rated:
        raise InputError(f"{client.url}: user {user!r} has no ratings")
    stars = client.get("model")["scale"]
    rows = [
        {
            MOVIE: rating["movie"]["id"],
            TITLE: rating["movie"]["title"],
            YEAR: rating["movie"]["year"],
            RATING: rating["stars"],
            AT: rating["at"],
        }
        for rating in rated
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    frame = frame.with_columns(pl.col(YEAR).cast(pl.Int32), pl.col(AT).cast(pl.Int64))
    return UserRatings(frame, Scale(stars[0], stars[-1], round(stars[1] - stars[0], 6)))
