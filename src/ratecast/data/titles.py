"""Titles of MovieLens: the year in the last brackets, and movies that share a title."""

import polars as pl

from ratecast.ratings import MOVIE

TITLE, YEAR, GENRES = "title", "year", "genres"
NO_GENRES = "(no genres listed)"
# 1999; of a series also 1999- or 1999-2003.
_YEAR = r"^.*\((\d{4})(?:[-\x{2013}]\s?(?:\d{4})?)?\)"


def movies_of(movie: pl.Expr, title: pl.Expr, genres: pl.Expr) -> list[pl.Expr]:
    """The columns of a movies table: movie, title, year (null if there is none), genres."""
    stripped = title.fill_null("").str.strip_chars()
    return [
        movie.alias(MOVIE),
        stripped.alias(TITLE),
        year_of(stripped).alias(YEAR),
        genres.alias(GENRES),
    ]


def year_of(title: pl.Expr) -> pl.Expr:
    """The year in the last brackets of a title; null if there is none."""
    return title.str.extract(_YEAR).cast(pl.Int32)


def split_genres(genres: pl.Expr, separator: str = "|") -> pl.Expr:
    """Genres in one string as a list; the placeholder for no genre becomes an empty list."""
    parts = genres.fill_null("").str.split(separator)
    return parts.list.filter((pl.element() != "") & (pl.element() != NO_GENRES))


def first_of_title(movies: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, int]]:
    """One movie for each title, under its smallest id; and each replaced id with that one."""
    smallest = movies.with_columns(first=pl.col(MOVIE).min().over(TITLE))
    replaced = smallest.filter(pl.col(MOVIE) != pl.col("first"))
    unique = smallest.filter(pl.col(MOVIE) == pl.col("first")).drop("first")
    return unique, dict(zip(replaced[MOVIE].to_list(), replaced["first"].to_list(), strict=True))
