"""Movies of an expansion: invented titles, with genres and years of the source's movies."""

import polars as pl

from ratecast.data.expand.blocks import Expansion
from ratecast.data.titles import GENRES, TITLE, YEAR
from ratecast.ratings import MOVIE

_NO_GENRE = "no genre"


def movies_of(expansion: Expansion) -> pl.DataFrame:
    """One row for each movie, sorted by id: movie, title, year, genres."""
    source = expansion.source.ratings.frame.select(pl.col(MOVIE).unique().sort())
    side = source.join(expansion.source.ratings.movies, on=MOVIE, how="left", maintain_order="left")
    for name, kind in {YEAR: pl.Int32(), GENRES: pl.List(pl.String)}.items():
        if name not in side.columns:
            side = side.with_columns(pl.lit(None, kind).alias(name))
    repeated = pl.concat([side.select(YEAR, GENRES)] * expansion.shape.movie_blocks)
    repeated = repeated.with_columns(pl.Series(MOVIE, expansion.movie_ids)).sort(MOVIE)
    genre = pl.col(GENRES).list.first().fill_null(_NO_GENRE)
    title = pl.format("Movie {} of {} ({})", MOVIE, genre, YEAR)
    title_without_year = pl.format("Movie {} of {}", MOVIE, genre)
    return repeated.select(
        MOVIE,
        pl.coalesce(title, title_without_year).alias(TITLE),
        YEAR,
        pl.col(GENRES).fill_null([]),
    )
