"""The command for a person's own ratings from another site: import."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ratecast.cli.call import emit, note
from ratecast.errors import InputError
from ratecast.visible_text import counted, one_line

if TYPE_CHECKING:
    import polars as pl

    from ratecast.exports.export import Export
    from ratecast.exports.matches import Matches
    from ratecast.importing.target import Rated, Target
    from ratecast.importing.watchlist import Watchlist

MOST_LISTED = 100


class Files(NamedTuple):
    """The files beside the export, each or None.

    settled, links, watchlist: read. doubtful, out: written.
    """

    settled: Path | None
    links: Path | None
    watchlist: Path | None
    doubtful: Path | None
    out: Path | None

    def check(self, exports: list[Path]) -> None:
        """Refuse names that cannot be, before anything is done."""
        from ratecast.output_paths import check_file
        from ratecast.table_writer import check_name

        if self.out is not None:
            check_name(self.out, *exports, *self[:-1])
        if self.doubtful is not None and self.doubtful.exists():
            raise InputError(
                f"{self.doubtful}: is there already, perhaps filled in; give it by --settled, or "
                "another name by --doubtful"
            )
        if self.doubtful is not None:
            check_file(self.doubtful)


class Wanted(NamedTuple):
    """Where the ratings go and what is shown, as typed; None or False where it was not given."""

    artifact: Path | None
    into: str | None
    user: str | None
    token: str | None
    add: bool
    n: int | None
    json: bool

    @property
    def catalogue(self) -> bool:
        """Whether titles are matched to the movies of a model or a service."""
        return self.artifact is not None or self.into is not None

    def check(self, files: Files) -> None:
        """Refuse options that cannot be together, and those without effect in this combination."""
        from ratecast.table_writer import STDOUT

        if self.artifact is not None and self.into is not None:
            raise InputError("import: give either --artifact DIR or --into URL")
        for name, given in (*files._asdict().items(), ("n", self.n)):
            if name != "out" and given is not None and not self.catalogue:
                raise InputError(f"import: --{name} needs a catalogue; add --artifact or --into")
        for name, given in (("token", self.token), ("add", self.add or None)):
            if given is not None and self.into is None:
                raise InputError(f"import: --{name} is for a service; remove it, or add --into URL")
        self._check_user(files.out)
        if self.json and files.out == STDOUT:
            raise InputError("import: --json and the table cannot share stdout; add --out FILE")
        if self.n is not None and (self.n < 1 or (self.into is not None and self.n > MOST_LISTED)):
            most = f" to {MOST_LISTED}" if self.into is not None else " or more"
            raise InputError(f"import: --n is {self.n}; give 1{most}")

    def _check_user(self, out: Path | None) -> None:
        if self.user is None:
            if self.add:
                raise InputError("import: --add is for a user who has ratings; add --user ID")
        elif self.artifact is not None:
            raise InputError("import: --user: a model takes you as a new user; remove it")
        elif self.into is None and out is None:
            raise InputError(
                "import: --user needs --into URL, or --out FILE in which it is written"
            )


# An argument is an option.
def import_ratings(  # noqa: PLR0913
    files: list[Path],
    *,
    artifact: Path | None = None,
    into: str | None = None,
    user: str | None = None,
    add: bool = False,
    token: str | None = None,
    profile: str | None = None,
    settled: Path | None = None,
    doubtful: Path | None = None,
    links: Path | None = None,
    watchlist: Path | None = None,
    n: int | None = None,
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
        ratecast import letterboxd.zip --artifact artifacts/als --watchlist watchlist.csv
        ratecast import ratings.csv diary.csv --into http://127.0.0.1:8000 --user 944

    Args:
        files: one or more files of one person from one site, as the site made them.
        artifact: folder that ratecast train wrote; you are a new user to its model.
        into: address of a running service, which gets the ratings; a later import adds and changes.
        user: your id in the service, without it a new one; with --out alone, the id to write.
        add: add to the ratings of --user, also where some of them are not in the files.
        token: token of the service or of the user; default: RATECAST_TOKEN.
        profile: name of your profile, where a Netflix account has several; other sites have none.
        settled: the file of --doubtful, with the right ids in its column movie.
        doubtful: write the doubtful and unmatched titles to this CSV file, to be settled by you.
        links: links.csv of MovieLens, to match by the numbers of IMDb and TMDB.
        watchlist: the watchlist of Letterboxd (watchlist.csv, or the ZIP again) or IMDb; only its
            films are forecast, best first, to choose the next one.
        n: number of forecasts to print; default: 10.
        out: CSV, Parquet or JSON lines file for all forecasts; without a model, for the ratings;
            - is CSV on stdout.
        json: print the result as one JSON document.
    """
    from ratecast.exports.merge import read_exports
    from ratecast.importing.watchlist import read_films

    wanted = Wanted(artifact, into, user, token, add, n, json)
    beside = Files(settled, links, watchlist, doubtful, out)
    wanted.check(beside)
    beside.check(files)
    export = read_exports(files, profile)
    if not wanted.catalogue:
        _preview(export, wanted, out)
        return
    films = None if watchlist is None else read_films(watchlist)
    target = _target(wanted)
    matches = _matched(export, target, beside)
    listed = None if films is None else _listed(films, target, beside)
    rated = target.rate(matches.scaled(target.stars))
    if rated.token is not None:
        note(f"token of user {rated.user}, which is shown only once: {rated.token}")
    best = target.best(n or 10) if listed is None else target.forecasts(listed.movies)
    _show(_Shown(matches, rated, best, listed), n or 10, wanted, out)
    _offer_to_settle(matches, beside)
    if out is not None:
        _write(out, target.forecasts() if listed is None else best, "forecast")


def _preview(export: "Export", wanted: Wanted, out: Path | None) -> None:
    from ratecast.importing.report import export_facts, plain_table, preview_lines, table_note

    facts = export_facts(export)
    _report(facts, "\n".join(preview_lines(export, facts)), wanted, out)
    if out is not None:
        _write(out, plain_table(export, wanted.user or "me"), "rating", f"; {table_note(export)}")


def _report(facts: dict[str, Any], view: Any, wanted: Wanted, out: Path | None) -> None:
    """Print the report; on stderr, if the table goes to stdout."""
    from ratecast.console import PlainConsole
    from ratecast.table_writer import STDOUT

    if out == STDOUT:
        PlainConsole(stderr=True).print(view)
    else:
        emit(facts, view, wanted.json)


def _target(wanted: Wanted) -> "Target":
    if wanted.artifact is not None:
        from ratecast.importing.model_target import ModelTarget

        return ModelTarget.load(wanted.artifact)
    from ratecast.importing.client import Client
    from ratecast.importing.service_target import ServiceTarget

    return ServiceTarget(Client.at(str(wanted.into), wanted.token), wanted.user, add=wanted.add)


def _matched(export: "Export", target: "Target", beside: Files) -> "Matches":
    """The matches, with those that were settled. Raises `InputError` if there is none."""
    from ratecast.exports.match import match
    from ratecast.importing.links import read_links

    links = None if beside.links is None else read_links(beside.links)
    matches = match(export, target.movies, links)
    if beside.settled is not None:
        matches = matches.read_settled(beside.settled)
    if not matches.counts["matched"]:
        raise InputError(_none_matched(matches, beside))
    return matches


def _none_matched(matches: "Matches", beside: Files) -> str:
    """The message, with what can be done; writes the file to be settled where it is wanted."""
    path = beside.doubtful
    if path is None:
        advice = "write them by --doubtful FILE to settle them"
    else:
        matches.write_doubtful(path)
        advice = f"write the right ids into the column movie of {path}, then give --settled {path}"
    count = counted(len(matches.export), "title")
    return f"import: none of {count} is matched for certain; {advice}, or give another catalogue"


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


def _listed(films: "pl.DataFrame", target: "Target", beside: Files) -> "Watchlist":
    """The films of the watchlist in the catalogue."""
    from ratecast.exports.catalogue_index import CatalogueIndex
    from ratecast.importing.links import read_links
    from ratecast.importing.watchlist import Watchlist

    links = None if beside.links is None else read_links(beside.links)
    assert beside.watchlist is not None
    return Watchlist.of(beside.watchlist, films, CatalogueIndex(target.movies, links))


class _Shown(NamedTuple):
    """What is shown: what matched, what became of it, and the best movies, of a list or of all."""

    matches: "Matches"
    rated: "Rated"
    best: "pl.DataFrame"
    watchlist: "Watchlist | None"


def _show(shown: _Shown, count: int, wanted: Wanted, out: Path | None) -> None:
    """Print what is shown, with the `count` best movies."""
    import polars as pl
    from rich.console import Group

    from ratecast.evaluation.terminal import terminal_table
    from ratecast.importing import report

    facts = report.export_facts(shown.matches.export)
    found = report.match_facts(shown.matches)
    best = shown.best[:count].select(pl.exclude("^p_.*$"))
    result = facts | found | shown.rated._asdict() | {"forecasts": best.to_dicts()}
    lines = [*report.export_lines(facts), *report.match_lines(found)]
    lines.append(report.rated_line(shown.rated))
    if shown.watchlist is not None:
        result["watchlist"] = shown.watchlist.facts(len(shown.best))
        lines.append(shown.watchlist.line(len(shown.best)))
    cells = [
        [
            one_line(str(row["title"])),
            f"{row['stars']:.2f}",
            f"{row['low']:g} - {row['high']:g}",
        ]
        for row in best.iter_rows(named=True)
    ]
    header = ["title", "stars", "80 % interval"]
    tables = [terminal_table("forecasts", header, cells)] if cells else []
    _report(result, Group("\n".join(lines), *tables), wanted, out)


def _write(out: Path, table: "pl.DataFrame", what: str, more: str = "") -> None:
    from ratecast.table_writer import STDOUT, write_table

    write_table(out, table)
    note(f"wrote {'stdout' if out == STDOUT else out}: {counted(table.height, what)}{more}")
