"""What a MovieLens title says: the name, the year in its last brackets, and who shares it."""

import polars as pl

from ratecast.ratings import MOVIE

TITLE, YEAR, GENRES = "title", "year", "genres"
NO_GENRES = "(no genres listed)"
# 1999, and 1999- or 1999-2003 of a series.
_YEAR = r"^.*\((\d{4})(?:[-\x{2013}]\s?(?:\d{4})?)?\)"


def movies_of(movie: pl.Expr, title: pl.Expr, genres: pl.Expr) -> list[pl.Expr]:
    """The columns of a movies table: movie, title, year (null where there is none), genres."""
    stripped = title.fill_null("").str.strip_chars()
    return [
        movie.alias(MOVIE),
        stripped.alias(TITLE),
        stripped.str.extract(_YEAR).cast(pl.Int32).alias(YEAR),
        genres.alias(GENRES),
    ]


def split_genres(genres: pl.Expr, separator: str = "|") -> pl.Expr:
    """Genres in one text as a list; the placeholder for none becomes an empty list."""
    parts = genres.fill_null("").str.split(separator)
    return parts.list.filter((pl.element() != "") & (pl.element() != NO_GENRES))


def first_of_title(movies: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, int]]:
    """One movie for each title, under its smallest id; and the ids that give way to another."""
    smallest = movies.with_columns(first=pl.col(MOVIE).min().over(TITLE))
    gone = smallest.filter(pl.col(MOVIE) != pl.col("first"))
    kept = smallest.filter(pl.col(MOVIE) == pl.col("first")).drop("first")
    return kept, dict(zip(gone[MOVIE].to_list(), gone["first"].to_list(), strict=True))
