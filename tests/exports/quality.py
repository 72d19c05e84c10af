"""How many films of an export are matched, rightly and wrongly, on a list whose truth is known.

The films are those of a catalogue, written as sites and people write them, and films that the
catalogue does not have: movies taken out of it, sequels and remakes. All variations are invented.

    python -m tests.exports.quality

writes benchmarks/matching.json and its section of docs/own-ratings.md.
"""

import json
import platform
import random
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.marks import with_section
from ratecast.atomic_write import write_text
from ratecast.data.cache import home
from ratecast.exports.export import Export
from ratecast.exports.match import match
from ratecast.exports.title_forms import _BRACKETS, _MOVED, _YEAR
from ratecast.ratings import Scale

CATALOGUES = ("ml-latest-small", "ml-100k")
FILMS, MISSING, SEEDS = 1500, 300, 5
ROOT = Path(__file__).parent.parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "matching.json", ROOT / "docs" / "own-ratings.md"
MARKS = "<!-- matching: written by `make bench-import` -->", "<!-- /matching -->"


@dataclass(frozen=True)
class Film:
    """A film as a site has it. movie: its id in the catalogue, or None."""

    title: str
    year: int | None
    movie: int | None
    kind: str


@dataclass(frozen=True)
class Quality:
    """Shares of the films that the catalogue has (matched, doubtful), and of all (wrong)."""

    films: int
    matched: float
    doubtful: float
    wrong: float
    seconds: float
    errors: list[str]
    unmatched: Counter[str]


def front(title: str) -> str:
    """The article at the front."""
    found = _MOVED.match(title)
    return title if found is None else f"{found[2]} {found[1]}".replace("' ", "'")


def parts(title: str) -> tuple[str, int | None, list[str]]:
    """Name with the article at the front, year, and the other names."""
    found = _YEAR.search(title)
    text = title[: found.start()] if found else title
    others = []
    while (bracket := _BRACKETS.search(text)) and bracket.start():
        others.append(front(bracket[1].removeprefix("a.k.a. ")))
        text = text[: bracket.start()]
    return front(text.strip()), int(found[1]) if found else None, others


def plain(title: str, _: random.Random) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", title) if not unicodedata.combining(c))


def typo(title: str, chance: random.Random) -> str:
    """Two letters in the middle swapped, in a long title."""
    place = chance.randrange(1, len(title) - 1) if len(title) > 12 else 0
    swapped = title[:place] + title[place + 1 : place + 2] + title[place : place + 1]
    return swapped + title[place + 2 :] if place else title


def punctuation(title: str, chance: random.Random) -> str:
    for old, new in ((":", " -"), ("'", "\u2019"), ("-", " "), (", ", " "), (".", ""), ("!", "")):
        title = title.replace(old, new) if chance.random() < 0.5 else title
    return title


def ampersand(title: str, _: random.Random) -> str:
    return title.replace(" & ", " and ") if "&" in title else title.replace(" and ", " & ")


VARIATIONS: tuple[tuple[float, str, Callable[[str, random.Random], str]], ...] = (
    (0.30, "as it is", lambda title, _: title),
    (0.15, "no accents", plain),
    (0.10, "lower case", lambda title, _: title.lower()),
    (0.05, "upper case", lambda title, _: title.upper()),
    (0.20, "punctuation", punctuation),
    (0.12, "and", ampersand),
    (0.05, "blanks", lambda title, _: f" {title}  "),
    (0.03, "typo", typo),
)


def known(row: dict[str, object], chance: random.Random) -> Film:
    """A movie of the catalogue as a site may write it."""
    name, year, others = parts(str(row["title"]))
    kind = "name"
    if others and chance.random() < 0.4:
        name, kind = chance.choice(others), "other name"
    weights = [weight for weight, _, _ in VARIATIONS]
    _, label, vary = chance.choices(VARIATIONS, weights)[0]
    if year is not None and chance.random() < 0.08:
        year, label = year + chance.choice((-1, 1)), f"{label}, year off by one"
    elif chance.random() < 0.02:
        year, label = None, f"{label}, no year"
    return Film(vary(name, chance), year, int(str(row["movie"])), f"{kind}, {label}")


def missing(row: dict[str, object], taken_out: bool, chance: random.Random) -> Film:
    """A film that the catalogue does not have: one taken out of it, a sequel or a remake."""
    name, year, _ = parts(str(row["title"]))
    if taken_out:
        return Film(name, year, None, "missing")
    if chance.random() < 0.5:
        return Film(f"{name} {chance.choice(('2', 'II', 'III', '3D'))}", year, None, "sequel")
    return Film(name, (year or 1990) + chance.choice((-30, -12, 12, 25)), None, "remake")


def sample(movies: pl.DataFrame, seed: int) -> tuple[list[Film], pl.DataFrame]:
    """The films of an export, and the catalogue that has most of them."""
    chance = random.Random(seed)
    rows = [row for row in movies.iter_rows(named=True) if row["title"] != "unknown"]
    chance.shuffle(rows)
    size = min(FILMS, len(rows))
    absent = MISSING * size // FILMS
    out, inside = rows[: absent // 3], rows[absent // 3 :]
    films = [known(row, chance) for row in inside[: size - absent]]
    films += [missing(row, True, chance) for row in out]
    films += [missing(row, False, chance) for row in inside[-(absent - len(out)) :]]
    chance.shuffle(films)
    gone = [row["movie"] for row in out]
    left = movies.filter(~pl.col("movie").is_in(gone))
    # As in MovieLens latest: some titles with a blank at the end, or without a year.
    number = pl.int_range(pl.len())
    blank = pl.when(number % 300 == 7).then(pl.col("title") + " ").otherwise(pl.col("title"))
    undated = pl.when(number % 700 == 9).then(pl.col("title").str.replace(r" \(\d{4}\)$", ""))
    return films, left.with_columns(title=undated.otherwise(blank))


def measure(movies: pl.DataFrame, seed: int = 0) -> Quality:
    """Match invented films to the catalogue and count."""
    films, catalogue = sample(movies, seed)
    frame = pl.DataFrame(
        {
            "title": [film.title for film in films],
            "original": pl.Series([None] * len(films), dtype=pl.String),
            "year": pl.Series([film.year for film in films], dtype=pl.Int32),
            "imdb": pl.Series([None] * len(films), dtype=pl.String),
            "tmdb": pl.Series([None] * len(films), dtype=pl.Int64),
            "rating": [4.0] * len(films),
            "at": pl.Series([None] * len(films), dtype=pl.Int64),
        }
    )
    start = time.perf_counter()
    result = match(Export("invented", Scale(0.5, 5, 0.5), frame), catalogue).frame
    seconds = time.perf_counter() - start
    return judged(films, result, seconds)


def judged(films: list[Film], result: pl.DataFrame, seconds: float) -> Quality:
    matched = doubtful = 0
    errors: list[str] = []
    lost: Counter[str] = Counter()
    rows = result.select("status", "movie", "candidate_title", "reason").iter_rows()
    for film, (status, movie, title, reason) in zip(films, rows, strict=True):
        if status == "matched" and movie != film.movie:
            errors.append(f"{film.title} ({film.year}), {film.kind}: {title} by {reason}")
        if film.movie is not None:
            matched += status == "matched" and movie == film.movie
            doubtful += status == "doubtful"
            if status != "matched":
                lost[f"{status}: {film.kind}: {reason}"] += 1
    held = sum(film.movie is not None for film in films)
    wrong = len(errors) / len(films)
    return Quality(len(films), matched / held, doubtful / held, wrong, seconds, errors, lost)


def catalogue() -> tuple[str, pl.DataFrame]:
    """The first catalogue that is in the cache."""
    for name in CATALOGUES:
        path = Path(home()) / "data" / name / "movies.parquet"
        if path.exists():
            return name, pl.read_parquet(path)
    sys.exit(f"none of {', '.join(CATALOGUES)} is in {home()}; run ratecast data fetch ml-100k")


def section(results: dict[str, Any]) -> str:
    """The figures as the page shows them."""
    rows = [
        f"| {row['seed']} | {row['matched']:.2%} | {row['doubtful']:.2%} | {row['wrong']:.2%} "
        f"| {row['seconds']:.1f} |"
        for row in results["rows"]
    ]
    return "\n".join(
        [
            f"{results['films']:,} invented films against the {results['movies']:,} titles of "
            f"{results['catalogue']} (`make bench-import`; {results['machine']}):",
            "",
            "| seed | matched | doubtful | wrong | seconds |",
            "| --- | ---: | ---: | ---: | ---: |",
            *rows,
        ]
    )


def main() -> None:
    name, movies = catalogue()
    rows = []
    for seed in range(SEEDS):
        found = measure(movies, seed)
        print(
            f"{name}, seed {seed}: {found.films} films, matched {found.matched:.2%}, doubtful "
            f"{found.doubtful:.2%}, wrong {found.wrong:.2%}, {found.seconds:.2f} s"
        )
        for error in found.errors:
            print(f"    wrong: {error}")
        shares = (("matched", found.matched), ("doubtful", found.doubtful), ("wrong", found.wrong))
        row = {"seed": seed} | {key: round(share, 6) for key, share in shares}
        rows.append(row | {"seconds": round(found.seconds, 2)})
        if seed == 0:
            for reason, count in found.unmatched.most_common(40):
                print(f"    {count} {reason}")
    results = {
        "catalogue": name,
        "movies": movies.height,
        "films": found.films,
        "machine": f"Python {platform.python_version()}, {platform.machine()}",
        "rows": rows,
    }
    write_text(RESULTS, json.dumps(results, indent=1) + "\n")
    write_text(PAGE, with_section(PAGE.read_text("utf-8"), MARKS, section(results)))


if __name__ == "__main__":
    main()
