"""The result of a match, and the CSV in which a person settles what is doubtful."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from ratecast.atomic_write import write_text
from ratecast.errors import InputError
from ratecast.exports.export import TITLE, YEAR, Export
from ratecast.exports.half_stars import from_half_stars
from ratecast.exports.sheet import Row, Sheet, guarded, number_of, unguarded, year_of
from ratecast.exports.star_quantiles import StarDistribution, scaled_by_quantiles
from ratecast.ids import Id, id_of
from ratecast.ratings import AT, MOVIE, RATING

MATCHED, DOUBTFUL, UNMATCHED = "matched", "doubtful", "unmatched"
SETTLED_COLUMNS = (
    "row",
    "title",
    "year",
    "rating",
    "candidate",
    "candidate_title",
    "score",
    "reason",
    "movie",
)
_SETTLED = "settled by hand"


@dataclass(frozen=True)
class Matches:
    """Films of an export and the movies that they are.

    frame: the rows of the export, with status (matched, doubtful or unmatched), movie (null unless
    matched), candidate and candidate_title (the best found), score (0 to 100; 101 by number) and
    reason. movies: the catalogue.
    """

    export: Export
    frame: pl.DataFrame
    movies: pl.DataFrame

    @property
    def ratings(self) -> pl.DataFrame:
        """The matched ratings: columns movie, rating (on the scale of the site) and at."""
        return self.frame.filter(status=MATCHED).select(MOVIE, RATING, AT)

    def scaled(self, stars: StarDistribution) -> pl.DataFrame:
        """The matched ratings on the scale of a model: columns movie, rating and at.

        All ratings of the export count for the quantiles, so that what a person settles later does
        not change the others. What a scale's own stars were written as, they become again.
        """
        given = self.frame[RATING].to_numpy()
        on_scale = from_half_stars(given, stars.scale) if self.export.in_half_stars else None
        if on_scale is None:
            on_scale = scaled_by_quantiles(given, self.export.scale, stars)
        return (
            self.frame.with_columns(pl.Series(RATING, on_scale))
            .filter(status=MATCHED)
            .select(MOVIE, RATING, AT)
        )

    @property
    def doubtful(self) -> pl.DataFrame:
        """The rows that a person should settle."""
        return self.frame.filter(status=DOUBTFUL)

    @property
    def counts(self) -> dict[str, int]:
        """Number of rows by status."""
        return {
            status: self.frame.filter(status=status).height
            for status in (MATCHED, DOUBTFUL, UNMATCHED)
        }

    def write_doubtful(self, path: Path | str) -> None:
        """Write the doubtful rows as CSV, then the unmatched ones, with an empty column `movie`.

        The best candidate for a doubtful one stands in the column `candidate`: copy it where it is
        right.
        """
        table = self.frame.with_row_index("row", offset=1)
        table = pl.concat([table.filter(status=status) for status in (DOUBTFUL, UNMATCHED)])
        table = table.with_columns(movie=pl.lit(None, pl.String)).select(SETTLED_COLUMNS)
        texts = [name for name in table.columns if table.schema[name] == pl.String]
        table = table.with_columns(
            pl.col(name).map_elements(guarded, pl.String, skip_nulls=True) for name in texts
        )
        # The mark at the start lets spreadsheets read accents.
        write_text(Path(path), "\ufeff" + table.write_csv())

    def read_settled(self, path: Path | str) -> "Matches":
        """These matches with those of a file of `write_doubtful`, in which a person filled `movie`.

        An empty `movie` leaves the row out, and so does a row that was removed. Raises `InputError`
        with the line of a row that is matched for certain, of a movie that the catalogue does not
        have, or of one that another row has.
        """
        sheet = _sheet(Path(path))
        ids = {str(movie): movie for movie in self.movies[MOVIE].to_list()}
        taken = {str(movie): "a certain match" for movie in self.ratings[MOVIE].to_list()}
        chosen: dict[int, Id] = {}
        seen: set[int] = set()
        for row in sheet.rows():
            number = self._row(row, seen)
            seen.add(number)
            movie = _id(row, MOVIE)
            if not movie:
                continue
            if movie not in ids:
                raise InputError(
                    f"{row.location}: movie {movie!r} is not in the catalogue; give one of its "
                    "ids, or leave it empty"
                )
            if movie in taken:
                raise InputError(
                    f"{row.location}: movie {movie} is that of {taken[movie]}; leave one empty"
                )
            taken[movie] = row.location.rpartition(", ")[2]
            chosen[number] = ids[movie]
        return self.settled(chosen)

    def settled(self, chosen: Mapping[int, Id]) -> "Matches":
        """These matches with the movies chosen for rows that are not matched; others are left out.

        chosen: row of `frame`, from 0, to movie id. Raises `InputError` for a movie that two rows
        would have.
        """
        taken = Counter([*self.ratings[MOVIE].to_list(), *chosen.values()])
        movie, status = self.frame[MOVIE].to_list(), self.frame["status"].to_list()
        reason = self.frame["reason"].to_list()
        for number in range(self.frame.height):
            if status[number] != DOUBTFUL and number not in chosen:
                continue
            reason[number], status[number] = _SETTLED, UNMATCHED
            if number in chosen:
                movie[number], status[number] = chosen[number], MATCHED
                if taken[chosen[number]] > 1:
                    title = self.frame[TITLE][number]
                    raise InputError(f"{title}: two titles would have its movie; leave one out")
        frame = self.frame.with_columns(
            pl.Series(MOVIE, movie, dtype=self.frame.schema[MOVIE]),
            pl.Series("status", status),
            pl.Series("reason", reason),
        )
        return replace(self, frame=frame)

    def _row(self, row: Row, seen: set[int]) -> int:
        """The number of the row in `frame`, from 0."""
        text = row.text("row")
        number = (number_of(text) or 0) - 1
        here = number < self.frame.height and number >= 0
        if not here or self.frame["status"][number] == MATCHED:
            raise InputError(
                f"{row.location}: row {text!r} is not one to be settled in this export; keep the "
                "column row, and use the file that was written for this export"
            )
        title, year, candidate = self.frame.select(TITLE, YEAR, "candidate").row(number)
        # Spreadsheets change titles that look like numbers or dates, and letters that they lack.
        same = unguarded(row.text("title")) == title.strip() or (
            not row.text(MOVIE) if candidate is None else _id(row, "candidate") == str(candidate)
        )
        if not same or year_of(row.text("year")) != year:
            raise InputError(
                f"{row.location}: the title or year is not {title!r} ({year}), that of row {text}; "
                "use the file that was written for this export"
            )
        if number in seen:
            raise InputError(f"{row.location}: row {text} stands here twice; remove one")
        return number


def _sheet(path: Path) -> Sheet:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; give the settled file") from None
    sheet = Sheet.of(data, str(path))
    for name in ("row", "title", "year", MOVIE):
        if name not in sheet.columns:
            raise InputError(
                f"{path}: no column {name!r}; columns are {', '.join(sheet.columns)[:120]}; keep "
                "those of the file of doubtful matches"
            )
    return sheet


def _id(row: Row, column: str) -> str:
    """The id in a column in its one form as text, empty if there is none."""
    text = unguarded(row.text(column))
    return str(id_of(text, True, f"{row.location}: {column}")) if text else ""
