"""The CSV that Letterboxd imports: a row for each film, found by its numbers or title and year.

Reference: https://letterboxd.com/about/importing-data/
"""

import polars as pl

from ratecast.data.titles import TITLE
from ratecast.data.titles import YEAR as MOVIE_YEAR
from ratecast.errors import InputError
from ratecast.exports.catalogue_index import id_number
from ratecast.exports.half_stars import half_stars
from ratecast.exports.sheet import guarded
from ratecast.exports.title_forms import name_and_year
from ratecast.ids import id_of
from ratecast.ratings import AT, MOVIE, RATING, Scale

NAME, YEAR, STARS, WATCHED = "Title", "Year", "Rating", "WatchedDate"
TMDB, IMDB = "tmdbID", "imdbID"
MOST_BYTES = 1_000_000


def letterboxd_form(
    ratings: pl.DataFrame, scale: Scale, links: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The rows for ratings with the columns movie, title, rating and, where known, year and at.

    scale: of the ratings. links: columns movieId, imdbId and tmdbId. Raises `InputError` for a
    movie that has neither a title nor a number.
    """
    known = (
        ratings[MOVIE_YEAR].to_list() if MOVIE_YEAR in ratings.columns else [None] * len(ratings)
    )
    parts = [name_and_year(title or "") for title in ratings[TITLE].to_list()]
    columns: dict[str, pl.Series] = {}
    if links is not None:
        columns = _numbers(ratings[MOVIE], links)
    columns[NAME] = pl.Series([guarded(name) for name, _ in parts], dtype=pl.String)
    years = [other if year is None else year for (_, year), other in zip(parts, known, strict=True)]
    columns[YEAR] = pl.Series(years, dtype=pl.Int64)
    columns[STARS] = pl.Series(half_stars(ratings[RATING].to_numpy(), scale), dtype=pl.Float64)
    if AT in ratings.columns:
        columns[WATCHED] = pl.from_epoch(ratings[AT].cast(pl.Int64)).dt.strftime("%Y-%m-%d")
    table = pl.DataFrame(columns)
    found = pl.any_horizontal(
        pl.col(NAME) != "",
        *(pl.col(name).is_not_null() for name in (TMDB, IMDB) if name in columns),
    )
    missing = ratings.filter(~table.select(found).to_series())
    if missing.height:
        raise InputError(f"movie {missing[MOVIE][0]}: has no title; Letterboxd could not find it")
    return table


def shared_titles(rows: pl.DataFrame) -> int:
    """How many rows have the title and year of another, without a number of its own."""
    numbers = [name for name in (TMDB, IMDB) if name in rows.columns]
    unknown = rows.filter(pl.all_horizontal(pl.lit(True), *(pl.col(n).is_null() for n in numbers)))
    return int(unknown.select(NAME, YEAR).is_duplicated().sum())


def _numbers(movies: pl.Series, links: pl.DataFrame) -> dict[str, pl.Series]:
    rows = links.select("movieId", "imdbId", "tmdbId").iter_rows()
    known = {
        id_of(movie, True, MOVIE): (id_number(imdb), id_number(tmdb)) for movie, imdb, tmdb in rows
    }
    found = [known.get(str(movie), (None, None)) for movie in movies.to_list()]
    imdb = [None if number is None else f"tt{number:07}" for number, _ in found]
    return {
        TMDB: pl.Series([number for _, number in found], dtype=pl.Int64),
        IMDB: pl.Series(imdb, dtype=pl.String),
    }
