"""links.csv of MovieLens: the numbers that IMDb and TMDB give a movie."""

from pathlib import Path

import polars as pl

from ratecast.errors import InputError
from ratecast.exports.sheet import Sheet

COLUMNS = ("movieId", "imdbId", "tmdbId")


def read_links(path: Path) -> pl.DataFrame:
    """Columns movieId, imdbId and tmdbId, as texts. Raises `InputError`."""
    try:
        sheet = Sheet.of(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}; give links.csv of MovieLens"
        ) from None
    for name in COLUMNS:
        if name not in sheet.columns:
            raise InputError(f"{path}: no column {name!r}; give a file with {', '.join(COLUMNS)}")
    rows = [[row.text(name) for name in COLUMNS] for row in sheet.rows()]
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String()), orient="row")
