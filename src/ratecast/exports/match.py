"""Matches the films of an export to the movies of a catalogue, by number, else by title and year.

A wrong match gives a person a rating that they never gave, and a missing one costs one rating. So
what is not certain is doubtful, and a person settles it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from ratecast.exports.catalogue_index import EXACT, CatalogueIndex, Name, id_number
from ratecast.exports.export import IMDB, ORIGINAL, TITLE, TMDB, YEAR, Export
from ratecast.exports.matches import DOUBTFUL, MATCHED, UNMATCHED, Matches
from ratecast.exports.title_forms import Forms, forms, numbers
from ratecast.ids import Id

# Similarity of two titles of one year, 0 to 100, from which they are one, and from which they may.
SAME, LIKE = 92.0, 80.0
# Shorter titles differ by a letter too easily: Carrie and Carries.
LEAST_LETTERS = 8
# Of one year: Dracula and Bram Stoker's Dracula.
LEAST_PART = 5
# How much the best title must exceed the second.
MARGIN = 4.0
MOST_YEARS = 3


@dataclass(frozen=True)
class Verdict:
    """What was found for a film. line: the best candidate in the catalogue. score: 0 to 100."""

    status: str
    line: int | None = None
    score: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Film:
    """A film of the export: its titles in comparable forms, year and numbers."""

    titles: tuple[Forms, ...]
    year: int | None
    imdb: int | None
    tmdb: int | None


_NOTHING = Verdict(UNMATCHED)


def match(export: Export, movies: pl.DataFrame, links: pl.DataFrame | None = None) -> Matches:
    """Each film of the export with a movie of the catalogue, a doubtful candidate, or none.

    movies: columns movie and title, as in MovieLens. links: columns movie, imdb and tmdb, as in
    links.csv of MovieLens; without it, numbers are not used. Two films of the export never have the
    same movie: the better match has it and the other is doubtful; of equal ones both are.
    """
    index = CatalogueIndex(movies, links)
    return Matches(export, match_films(export.frame, index, once=True), movies)


def films(titles: Sequence[str], years: Sequence[int | None]) -> pl.DataFrame:
    """Films by their titles and years, (n,) each, in the columns that `match_films` reads."""
    frame = pl.DataFrame(
        {
            TITLE: pl.Series(titles, dtype=pl.String),
            YEAR: pl.Series(years, dtype=pl.Int32),
        }
    )
    none = {ORIGINAL: pl.String, IMDB: pl.String, TMDB: pl.Int64}
    return frame.with_columns(pl.lit(None, form).alias(name) for name, form in none.items())


def match_films(films: pl.DataFrame, index: CatalogueIndex, *, once: bool = False) -> pl.DataFrame:
    """Films, as in the frame of an export, with the columns of `Matches.frame`.

    once: whether two films that match a movie equally well are doubtful, as two ratings of it
    would be; in a list they are one film that stands there twice.
    """
    verdicts = _without_conflicts([_verdict(film, index) for film in _films(films)], once=once)
    lines = [verdict.line for verdict in verdicts]
    found = pl.DataFrame(
        {
            "status": pl.Series([verdict.status for verdict in verdicts], dtype=pl.String),
            "candidate": pl.Series(
                [None if line is None else index.ids[line] for line in lines],
                dtype=index.id_type,
            ),
            "candidate_title": pl.Series(
                [None if line is None else index.titles[line] for line in lines], dtype=pl.String
            ),
            "score": pl.Series([verdict.score for verdict in verdicts], dtype=pl.Float64),
            "reason": pl.Series([verdict.reason for verdict in verdicts], dtype=pl.String),
        }
    )
    movie = pl.when(status=MATCHED).then(pl.col("candidate")).alias("movie")
    return pl.concat([films, found], how="horizontal").with_columns(movie)


def candidates(title: str, year: int | None, index: CatalogueIndex, most: int = 5) -> list[Id]:
    """The movies that a title may be, most like it first: `most` at the most.

    year: of the film, if it is known.
    """
    film = Film((forms(title),), year, None, None)
    scores: dict[int, float] = {}
    for line, nearness in index.of_title(film.titles[0]).items():
        scores[line] = 100.0 + nearness
    for name, score in _similar(film, film.titles[0], index):
        scores[name.line] = max(score, scores.get(name.line, 0.0))
    ranked = sorted(scores, key=lambda line: (-scores[line], _apart(film, index, line) or 0, line))
    return [index.ids[line] for line in ranked[:most]]


def _films(frame: pl.DataFrame) -> Iterator[Film]:
    for title, original, year, imdb, tmdb in frame.select(
        TITLE, ORIGINAL, YEAR, IMDB, TMDB
    ).iter_rows():
        titles = dict.fromkeys(forms(text) for text in (title, original) if text)
        yield Film(tuple(titles), year, id_number(imdb), tmdb)


def _verdict(film: Film, index: CatalogueIndex) -> Verdict:
    by_number = _by_number(film, index)
    if by_number is not None:
        return by_number
    verdict = _by_title(film, index)
    if verdict.status == UNMATCHED:
        verdict = _by_likeness(film, index)
    known = index.imdb_of.get(-1 if verdict.line is None else verdict.line)
    if verdict.status == MATCHED and film.imdb and known and known != film.imdb:
        return replace(
            verdict, status=DOUBTFUL, reason="the title agrees, the IMDb number does not"
        )
    return verdict


def _by_number(film: Film, index: CatalogueIndex) -> Verdict | None:
    imdb = None if film.imdb is None else index.by_imdb.get(film.imdb)
    tmdb = None if film.tmdb is None else index.by_tmdb.get(film.tmdb)
    if imdb is not None and tmdb is not None and imdb != tmdb:
        return Verdict(DOUBTFUL, imdb, 100.0, "IMDb and TMDB numbers are of two movies")
    line = tmdb if imdb is None else imdb
    return None if line is None else Verdict(MATCHED, line, 101.0, "number")


def _by_title(film: Film, index: CatalogueIndex) -> Verdict:
    """The movie that has the title of the film, and its year."""
    found: dict[int, int] = {}
    for title in film.titles:
        for line, nearness in index.of_title(title).items():
            found[line] = max(nearness, found.get(line, 0))
    for nearness in (EXACT, EXACT - 1):
        same = [n for n in found if found[n] == nearness and _apart(film, index, n) == 0]
        if len(same) == 1:
            return Verdict(MATCHED, same[0], 99.0 + nearness / 2, "title and year")
        if same:
            return Verdict(DOUBTFUL, same[0], 99.0, f"{len(same)} movies have this title and year")
    near = sorted(found, key=lambda n: (_apart(film, index, n) or 0, -found[n]))
    if not near:
        return _NOTHING
    best, apart = near[0], _apart(film, index, near[0])
    certain = len(found) == 1 and found[best] == EXACT
    if apart is None:
        reason = "title; one of the two has no year"
        return Verdict(MATCHED if certain else DOUBTFUL, best, 97.0, reason)
    if apart > MOST_YEARS:
        return _NOTHING
    reason = f"title; the years differ by {apart}"
    return Verdict(MATCHED if certain and apart == 1 else DOUBTFUL, best, 98.0 - apart, reason)


def _apart(film: Film, index: CatalogueIndex, line: int) -> int | None:
    """The years between a film and a movie; None if one has no year."""
    year = index.years[line]
    return None if film.year is None or year is None else abs(film.year - year)


def _by_likeness(film: Film, index: CatalogueIndex) -> Verdict:
    """The movie whose title is most like that of the film, near its year."""
    best: dict[int, tuple[float, Name, Forms]] = {}
    for title in film.titles:
        for name, score in _similar(film, title, index):
            if score > best.get(name.line, (0.0,))[0]:
                best[name.line] = (score, name, title)
    ranked = sorted(best.values(), key=lambda found: -found[0])
    if not ranked:
        return _NOTHING
    score, name, title = ranked[0]
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    certain = (
        score >= SAME
        and score - second >= MARGIN
        and _apart(film, index, name.line) == 0
        and min(len(title.joined), len(name.forms.joined)) >= LEAST_LETTERS
    )
    reason = "similar title" if score < SAME else "very similar title"
    return Verdict(MATCHED if certain else DOUBTFUL, name.line, round(score, 1), reason)


def _similar(film: Film, title: Forms, index: CatalogueIndex) -> Iterator[tuple[Name, float]]:
    """Names like the title, near the year of the film; or with more words, or fewer."""
    own = numbers(title.bare)
    for name, score in index.similar(title, film.year, LIKE):
        if numbers(name.forms.bare) == own:
            yield name, score
    for name in index.longer_or_shorter(title):
        if _may_be_part(title, name.forms, _apart(film, index, name.line)):
            yield name, LIKE


def _may_be_part(one: Forms, other: Forms, apart: int | None) -> bool:
    """Whether a title and a longer one, with a subtitle or a prefix, may be of one film.

    Of one year, a number may belong to what is added, as in Episode IV - A New Hope, but a number
    alone is that of a sequel. Else the numbers must agree, and short titles are too frequent.
    """
    shorter, longer = sorted((one.bare, other.bare), key=len)
    added = len(numbers(longer)) - len(numbers(shorter))
    if apart == 0:
        more = len(longer.split()) - len(shorter.split())
        return more > added and len(shorter) >= LEAST_PART
    return not added and (apart or 0) <= 1 and len(shorter) >= LEAST_LETTERS


def _without_conflicts(verdicts: list[Verdict], *, once: bool) -> list[Verdict]:
    """The same, with the best match for each movie alone. once: and with none of equal ones."""
    rows = defaultdict(list)
    for row, verdict in enumerate(verdicts):
        if verdict.status == MATCHED:
            rows[verdict.line].append(row)
    result = list(verdicts)
    for taken in rows.values():
        best = max(verdicts[row].score for row in taken)
        keep = [row for row in taken if verdicts[row].score == best]
        for row in taken:
            if row not in keep or (once and len(keep) > 1):
                reason = "another film of the export matches this movie"
                result[row] = replace(verdicts[row], status=DOUBTFUL, reason=reason)
    return result
