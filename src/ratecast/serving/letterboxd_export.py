"""A user's ratings as the CSV that Letterboxd imports.

Reference: https://letterboxd.com/about/importing-data/
"""

import polars as pl

from ratecast.data.titles import TITLE, YEAR
from ratecast.errors import InputError
from ratecast.exports.letterboxd_form import letterboxd_form
from ratecast.ids import Id
from ratecast.ratings import MOVIE, RATING
from ratecast.serving.errors import UnsupportedError
from ratecast.serving.service import RatingService


def letterboxd_csv(service: RatingService, user: Id) -> str:
    """Title, Year and Rating (0.5 to 5) of each rating, newest first.

    Without a day, since the service knows when a movie was rated, not when it was watched. Raises
    `UnsupportedError` for a movie without a title.
    """
    rows = service.ratings(user)
    frame = pl.DataFrame(
        {
            MOVIE: pl.Series([str(row.movie.id) for row in rows], dtype=pl.String),
            TITLE: pl.Series(
                [_title(row.movie.id, row.movie.title) for row in rows], dtype=pl.String
            ),
            YEAR: pl.Series([row.movie.year for row in rows], dtype=pl.Int64),
            RATING: pl.Series([row.stars for row in rows], dtype=pl.Float64),
        }
    )
    try:
        return letterboxd_form(frame, service.scale).write_csv()
    except InputError as error:
        raise UnsupportedError(str(error)) from None


def _title(movie: Id, title: str) -> str | None:
    """The title; None where the id stands for it."""
    return None if title == str(movie) else title
