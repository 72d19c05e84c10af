"""Commands for a person's own ratings: import and export."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.call import emit, note
from ratecast.errors import InputError
from ratecast.table_options import DEFAULT, TableOptions
from ratecast.visible_text import counted, one_line

if TYPE_CHECKING:
    import polars as pl

    from ratecast.exports.export import Export
    from ratecast.exports.matches import Matches
    from ratecast.importing.client import Client
    from ratecast.importing.target import Rated, Target

MOST_LISTED = 100


@dataclass(frozen=True)
class Files:
    """The files beside the export, each or None. settled, links: read. doubtful, out: written."""

    settled: Path | None
    links: Path | None
    doubtful: Path | None
    out: Path | None

    def check(self, exports: list[Path], matched: bool) -> None:
        """Refuse names that cannot be before anything is done. matched: to a catalogue."""
        from ratecast.table_writer import check_name

        if self.out is not None:
            check_name(self.out, *exports, self.settled, self.links)
        for name in ("settled", "links", "doubtful"):
            if getattr(self, name) is not None and not matched:
                raise InputError(f"import: --{name} needs a catalogue; add --artifact or --into")
        if self.doubtful is not None and self.doubtful.exists():
            raise InputError(
                f"{self.doubtful}: is there already, perhaps filled in; give it by --settled, or "
                "another name by --doubtful"
            )


def import_ratings(
    files: list[Path],
    *,
    artifact: Path | None = None,
    into: str | None = None,
    user: str | None = None,
    token: str | None = None,
    profile: str | None = None,
    settled: Path | None = None,
    doubtful: Path | None = None,
    links: Path | None = None,
    n: int = 10,
    out: Path | None = None,
    json: bool = False,
) -> None:
    """Import your own ratings from the export of a rating site.

    Reads exports of Letterboxd, IMDb, Goodreads, StoryGraph, MyAnimeList, Trakt and Netflix, which
    are recognised by content. With --artifact or --into, titles are matched to the movies of a
    model or of a running service, your stars are brought to its scale by quantiles, and you get
    forecasts. Without them, says what the files hold.

    Examples:
        ratecast import letterboxd.zip
        ratecast import letterboxd.zip --artifact artifacts/als --doubtful doubtful.csv
        ratecast import letterboxd.zip --artifact artifacts/als --settled settled.csv --out all.csv
        ratecast import ratings.csv diary.csv --into http://127.0.0.1:8000 --user 944

    Args:
        files: one or more files of one person from one site, as the site made them.
        artifact: folder that ratecast train wrote; you are a new user to its model.
        into: address of a running service, which gets the ratings; a later import adds and changes.
        user: your id in the service, without it a new one; with --out alone, the id to write.
        token: token of the service or of the user; default: RATECAST_TOKEN.
        profile: name of your profile, where a Netflix account has several; other sites have none.
        settled: the file of --doubtful, with the right ids in its column movie.
        doubtful: write the doubtful and unmatched titles to this CSV file, to be settled by you.
        links: links.csv of MovieLens, to match by the numbers of IMDb and TMDB.
        n: number of forecasts to print.
        out: CSV, Parquet or JSON lines file for all forecasts; without a model, for the ratings.
        json: print the result as one JSON document.
    """
    from ratecast.exports.merge import read_exports

    beside = Files(settled, links, doubtful, out)
    beside.check(files, matched=artifact is not None or into is not None)
    _check_numbers(artifact, into, n)
    export = read_exports(files, profile)
    if artifact is None and into is None:
        _preview(export, user, out, json)
        return
    target = _target(artifact, into, user, token)
    matches = _matched(export, target, beside)
    rated = target.rate(matches.scaled(target.stars))
    if rated.token is not None:
        note(f"token of user {rated.user}, which is shown only once: {rated.token}")
    _show(matches, rated, target, n, json)
    if out is not None:
        _write(out, target.forecasts(), "forecasts")


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
        json: print the result as one JSON document.
    """
    from ratecast.data import load_table
    from ratecast.exports.letterboxd_form import is_kept, letterboxd_form
    from ratecast.importing.links import read_links
    from ratecast.importing.user_ratings import of_service, of_table
    from ratecast.ratings import AT
    from ratecast.table_writer import check_name

    if out.suffix.lower() != ".csv":
        raise InputError(f"{out}: Letterboxd imports CSV; end the name in .csv")
    check_name(out, data, links)
    if (source is None) == (data is None):
        raise InputError("export: give either --data TABLE or --from URL")
    if source is not None:
        _refuse_table_options(table)
        found = of_service(_client(source, token), user)
    else:
        found = of_table(load_table(str(data), table), user)
    if not is_kept(found.scale):
        note(f"ratings of the scale {found.scale} are written in half stars, 0.5 to 5")
    ratings = found.frame.drop(AT, strict=False) if table.no_time else found.frame
    rows = letterboxd_form(ratings, found.scale, None if links is None else read_links(links))
    _write_letterboxd(out, rows)
    emit({"out": out, "ratings": rows.height}, f"wrote {out}: {rows.height} ratings", json)


def _write_letterboxd(out: Path, rows: "pl.DataFrame") -> None:
    from ratecast.exports.letterboxd_form import MOST_BYTES, shared_titles
    from ratecast.table_writer import write_table

    write_table(out, rows)
    if alike := shared_titles(rows):
        note(f"{alike} rows share title and year, and Letterboxd takes them for one film")
    if out.stat().st_size > MOST_BYTES:
        note(f"{out}: over 1 MB, which Letterboxd refuses; split it")


def _refuse_table_options(table: TableOptions) -> None:
    """A service has no table to be read; only the times may be left out."""
    given = [name for name in table.plain() if name != "no_time"]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise InputError(f"export: {option} is for a table; remove it, or give --data")


def _check_numbers(artifact: Path | None, into: str | None, n: int) -> None:
    if artifact is not None and into is not None:
        raise InputError("import: give either --artifact DIR or --into URL")
    if n < 1 or (into is not None and n > MOST_LISTED):
        most = f" to {MOST_LISTED}" if into is not None else " or more"
        raise InputError(f"import: --n is {n}; give 1{most}")


def _preview(export: "Export", user: str | None, out: Path | None, json: bool) -> None:
    from ratecast.importing.report import export_facts, plain_table, preview_lines, table_note

    facts = export_facts(export)
    emit(facts, "\n".join(preview_lines(export, facts)), json)
    if out is not None:
        _write(out, plain_table(export, user or "me"), f"ratings; {table_note(export)}")


def _target(
    artifact: Path | None, into: str | None, user: str | None, token: str | None
) -> "Target":
    if artifact is not None:
        from ratecast.importing.model_target import ModelTarget

        if user is not None:
            note("import: --user is left out, because a model takes you as a new user")
        return ModelTarget.load(artifact)
    from ratecast.importing.service_target import ServiceTarget

    return ServiceTarget(_client(str(into), token), user)


def _client(url: str, token: str | None) -> "Client":
    import os

    from ratecast.importing.client import Client

    return Client(url, token or os.environ.get("RATECAST_TOKEN"))


def _matched(export: "Export", target: "Target", beside: Files) -> "Matches":
    """The matches, with those that were settled; writes the doubtful ones where that is wanted."""
    from ratecast.exports.match import match
    from ratecast.importing.links import read_links

    links = None if beside.links is None else read_links(beside.links)
    matches = match(export, target.movies, links)
    if beside.settled is not None:
        matches = matches.read_settled(beside.settled)
    _offer_to_settle(matches, beside)
    if not matches.counts["matched"]:
        raise InputError(
            f"import: none of {counted(len(export), 'title')} is matched for certain; settle them "
            "by --doubtful FILE, or give another catalogue"
        )
    return matches


def _offer_to_settle(matches: "Matches", beside: Files) -> None:
    """Write the file to be settled where it is wanted, or say that it can be written."""
    open_ = len(matches.export) - matches.counts["matched"]
    path = beside.doubtful
    if path is not None and not open_:
        note(f"{path}: not written, because every title is matched")
    elif path is not None:
        matches.write_doubtful(path)
        note(f"wrote {path}: write the right ids into its column movie, then give --settled {path}")
    elif open_ and beside.settled is None:
        note(f"not matched: {counted(open_, 'title')}; --doubtful FILE writes them to be settled")


def _show(matches: "Matches", rated: "Rated", target: "Target", n: int, json: bool) -> None:
    from rich.console import Group

    from ratecast.evaluation.terminal import terminal_table
    from ratecast.importing import report

    best = target.best(n)
    facts = report.export_facts(matches.export)
    found = report.match_facts(matches)
    result = facts | found | rated._asdict() | {"forecasts": best.to_dicts()}
    lines = [*report.export_lines(facts), *report.match_lines(found)]
    lines.append(
        f"user {rated.user}: {rated.new:,} ratings added, {rated.changed:,} changed, "
        f"{rated.unchanged:,} there before"
    )
    cells = [
        [
            one_line(str(row["title"])),
            f"{row['stars']:.2f}",
            f"{row['low']:g} - {row['high']:g}",
        ]
        for row in best.iter_rows(named=True)
    ]
    table = terminal_table("forecasts", ["title", "stars", "80 % interval"], cells)
    emit(result, Group("\n".join(lines), table), json)


def _write(out: Path, table: "pl.DataFrame", what: str) -> None:
    from ratecast.table_writer import write_table

    write_table(out, table)
    note(f"wrote {out}: {table.height} {what}")
