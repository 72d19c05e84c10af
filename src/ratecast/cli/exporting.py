"""The command that writes a person's ratings for another site: export."""

from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.call import emit, note
from ratecast.errors import InputError
from ratecast.table_options import DEFAULT, TableOptions
from ratecast.visible_text import counted

if TYPE_CHECKING:
    import polars as pl


def export_ratings(
    *,
    user: str,
    out: Path,
    source: str | None = None,
    data: str | None = None,
    table: TableOptions = DEFAULT,
    token: str | None = None,
    links: Path | None = None,
    json: bool = False,
) -> None:
    """Export a user's ratings in the form that Letterboxd imports.

    The CSV has the columns Title, Year, Rating (0.5 to 5) and WatchedDate, and tmdbID and imdbID
    with --links. Letterboxd enters rows with a date into the diary; --no-time leaves it out.

    Examples:
        ratecast export --user 196 --data ml-100k --out letterboxd.csv
        ratecast export --user 944 --from http://127.0.0.1:8000 --out letterboxd.csv --no-time

    Args:
        user: the user's id.
        out: CSV file to write.
        source: address of a running service.
        data: an edition, a folder or a file of ratings, with titles.
        table: how a table of your own is read.
        token: token of the service or of the user; default: RATECAST_TOKEN.
        links: links.csv of MovieLens, for the numbers of IMDb and TMDB.
        no_time: leave the days out, so that Letterboxd enters nothing into the diary.
        json: print the result as one JSON document.
    """
    from ratecast.data import load_table
    from ratecast.exports.half_stars import is_kept
    from ratecast.exports.letterboxd_form import letterboxd_form
    from ratecast.importing.client import Client
    from ratecast.importing.links import read_links
    from ratecast.importing.user_ratings import of_service, of_table
    from ratecast.ratings import AT
    from ratecast.table_writer import check_name

    if out.suffix.lower() != ".csv":
        raise InputError(f"{out}: Letterboxd imports CSV; end the name in .csv")
    check_name(out, data, links)
    _check(source, data, table, token)
    if source is not None:
        found = of_service(Client.at(source, token), user)
    else:
        found = of_table(load_table(str(data), table), user)
    ratings = found.frame.drop(AT, strict=False) if table.no_time else found.frame
    rows = letterboxd_form(ratings, found.scale, None if links is None else read_links(links))
    _write_letterboxd(out, rows)
    if not is_kept(found.scale):
        note(f"ratings of the scale {found.scale} are written in half stars, 0.5 to 5")
    emit(
        {"out": out, "ratings": rows.height}, f"wrote {out}: {counted(rows.height, 'rating')}", json
    )


def _write_letterboxd(out: Path, rows: "pl.DataFrame") -> None:
    from ratecast.exports.letterboxd_form import MOST_BYTES, shared_titles
    from ratecast.table_writer import write_table

    write_table(out, rows)
    if alike := shared_titles(rows):
        note(f"{alike} rows share title and year, and Letterboxd takes them for one film")
    if out.stat().st_size > MOST_BYTES:
        note(f"{out}: over 1 MB, which Letterboxd refuses; split it")


def _check(source: str | None, data: str | None, table: TableOptions, token: str | None) -> None:
    """Refuse options that have no effect together. A service has no table to be read."""
    if (source is None) == (data is None):
        raise InputError("export: give either --data TABLE or --from URL")
    given = [name for name in table.plain() if name != "no_time"]
    if source is not None and given:
        option = f"--{given[0].replace('_', '-')}"
        raise InputError(f"export: {option} is for a table; remove it, or give --data")
    if data is not None and token is not None:
        raise InputError("export: --token is for a service; remove it, or give --from URL")
    if table.users is not None:
        raise InputError("export: --users has no effect on what Letterboxd reads; remove it")
