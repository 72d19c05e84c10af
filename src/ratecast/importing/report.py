"""What an export holds and what became of its titles, as plain values and as lines of text."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from ratecast.data.summary import day
from ratecast.exports.export import TITLE, YEAR, Export
from ratecast.exports.matches import DOUBTFUL, UNMATCHED, Matches
from ratecast.importing.target import Rated
from ratecast.ratings import AT, MOVIE, RATING, USER
from ratecast.visible_text import counted, one_line

EXAMPLES = 5


def export_facts(export: Export) -> dict[str, Any]:
    """What the files hold."""
    times = export.frame[AT].drop_nulls()
    counts = export.frame[RATING].value_counts().sort(RATING)
    return {
        "source": export.source,
        "ratings": len(export),
        "scale": str(export.scale),
        "from": _day(times.min()),
        "to": _day(times.max()),
        "stars": {f"{stars:g}": count for stars, count in counts.iter_rows()},
        "notes": list(export.notes),
    }


def export_lines(facts: dict[str, Any]) -> list[str]:
    """The same for people: first what they are, then a line for all that was assumed."""
    period = f", from {facts['from']} to {facts['to']}" if facts["from"] else ""
    count = counted(facts["ratings"], "rating")
    first = f"{facts['source']}: {count} on the scale {facts['scale']}{period}"
    return [first, *(f"  {one_line(note)}" for note in facts["notes"])]


def preview_lines(export: Export, facts: dict[str, Any]) -> list[str]:
    """What a file holds, with how often each star is given and a few titles."""
    stars = ", ".join(f"{star} ★ {count:,}" for star, count in facts["stars"].items())
    rows = export.frame.select(TITLE, YEAR, RATING)[:EXAMPLES].iter_rows()
    titles = [f"  {named(title, year)}: {rating:g}" for title, year, rating in rows]
    more = [f"  ... and {len(export) - EXAMPLES:,} more"] if len(export) > EXAMPLES else []
    return [*export_lines(facts), f"  {stars}", *titles, *more]


def match_facts(matches: Matches) -> dict[str, Any]:
    """How many titles are matched, doubtful and unmatched, and each that is not matched."""
    columns = (TITLE, YEAR, "candidate", "candidate_title", "reason")
    doubtful = matches.doubtful.select(columns).to_dicts()
    unmatched = matches.frame.filter(status=UNMATCHED).select(TITLE, YEAR).to_dicts()
    return matches.counts | {"doubtful_titles": doubtful, "unmatched_titles": unmatched}


def match_lines(facts: dict[str, Any]) -> Iterator[str]:
    """The same for people, with a few examples."""
    yield ", ".join(f"{facts[status]:,} {status}" for status in ("matched", DOUBTFUL, UNMATCHED))
    for row in facts["doubtful_titles"][:EXAMPLES]:
        candidate = one_line(str(row["candidate_title"]))
        yield f"  doubtful: {named(row[TITLE], row[YEAR])}, perhaps {candidate} ({row['reason']})"
    yield from _rest(facts, DOUBTFUL)
    for row in facts["unmatched_titles"][:EXAMPLES]:
        yield f"  unmatched: {named(row[TITLE], row[YEAR])}"
    yield from _rest(facts, UNMATCHED)


def rated_line(rated: Rated) -> str:
    """What became of the matched ratings, and whether anything is kept."""
    if not rated.kept:
        return f"forecasts for a new user with {counted(rated.new, 'rating')}, which are not kept"
    others = f"; {rated.others:,} that the files have not" if rated.others else ""
    return (
        f"user {rated.user}: {counted(rated.new, 'rating')} added, {rated.changed:,} changed, "
        f"{rated.unchanged:,} there before{others}"
    )


def _rest(facts: dict[str, Any], status: str) -> Iterator[str]:
    more = len(facts[f"{status}_titles"]) - EXAMPLES
    if more > 0:
        yield f"  ... and {more:,} more {status}; --json lists all"


def plain_table(export: Export, user: str) -> pl.DataFrame:
    """The ratings as a table that ratecast reads: columns user, movie, title, rating and at.

    A movie is called `Title (Year)`, and `Title (Year) [2]` where the export has two films of one
    title and year. at is a day, or a time to the second; without the time of one rating there is no
    such column, because a table has all times or none.
    """
    year = pl.when(pl.col(YEAR).is_not_null()).then(pl.format(" ({})", YEAR)).otherwise(pl.lit(""))
    time = pl.from_epoch(AT).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    at = pl.when(pl.col(AT) % 86_400 == 0).then(time.str.head(10)).otherwise(time)
    table = export.frame.select(
        pl.lit(user).alias(USER), (pl.col(TITLE).str.strip_chars() + year).alias(TITLE), RATING, at
    )
    place = pl.int_range(1, pl.len() + 1).over(TITLE)
    movie = pl.when(place == 1).then(pl.col(TITLE)).otherwise(pl.format("{} [{}]", TITLE, place))
    names = [AT] if timed(export) else []
    return table.select(USER, movie.alias(MOVIE), TITLE, RATING, *names)


def timed(export: Export) -> bool:
    """Whether each rating has a time."""
    return not export.frame[AT].null_count()


def table_note(export: Export) -> str:
    """How the plain table is to be read, and what it lacks."""
    undated = export.frame[AT].null_count()
    lacking = f"; it has no column {AT}, which {undated} of {len(export)} ratings lack"
    return f"read it with --scale {export.scale}{lacking if undated else ''}"


def named(title: str, year: int | None) -> str:
    """A title with its year, without what would move the cursor of a terminal."""
    return one_line(title if year is None else f"{title} ({year})")


def _day(at: Any) -> str | None:
    """The day of a time in UTC seconds, where there is one."""
    return None if at is None else day(int(at))
