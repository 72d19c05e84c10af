"""Movies of an expansion: made titles, with the genres and years of those that recur."""

import polars as pl

from ratecast.data.expand.blocks import Expansion
from ratecast.data.titles import GENRES, TITLE, YEAR
from ratecast.ratings import MOVIE

_NO_GENRE = "no genre"


def movies_of(made: Expansion) -> pl.DataFrame:
    """One line for each movie, by id: movie, title, year, genres."""
    known = made.source.ratings.frame.select(pl.col(MOVIE).unique().sort())
    side = known.join(made.source.ratings.movies, on=MOVIE, how="left", maintain_order="left")
    for name, kind in {YEAR: pl.Int32(), GENRES: pl.List(pl.String)}.items():
        if name not in side.columns:
            side = side.with_columns(pl.lit(None, kind).alias(name))
    every = pl.concat([side.select(YEAR, GENRES)] * made.shape.movies_times)
    every = every.with_columns(pl.Series(MOVIE, made.movie_ids)).sort(MOVIE)
    genre = pl.col(GENRES).list.first().fill_null(_NO_GENRE)
    title = pl.format("Movie {} of {} ({})", MOVIE, genre, YEAR)
    plain = pl.format("Movie {} of {}", MOVIE, genre)
    return every.select(
        MOVIE, pl.coalesce(title, plain).alias(TITLE), YEAR, pl.col(GENRES).fill_null([])
    )
