"""An invented catalogue, models on several scales, and exports of its movies from every site."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from ratecast.models.als.model import ALS
from ratecast.ratings import Ratings, Scale
from tests.exports import writers as w

NAMES = ("Red Lamp", "River House", "Glass Winter", "Night Song", "Iron Orchard", "Paper Moons")
PLACES = ("in Rome", "by the Sea", "of the North", "under Snow", "at Noon")
# The last two differ by their year alone.
FILMS = [
    *((f"{name} {place}", 1960 + 2 * n) for n, name in enumerate(NAMES) for place in PLACES),
    ("Twice Told", 1971),
    ("Twice Told", 1999),
]
HALF, TEN = Scale(0.5, 5, 0.5), Scale(1, 10)


def movies() -> pl.DataFrame:
    titles = [f"{name} ({year})" for name, year in FILMS]
    return pl.DataFrame({"movie": range(1, len(FILMS) + 1), "title": titles})


def ratings(scale: Scale, titles: pl.DataFrame | None = None, users: str = "") -> Ratings:
    """Of two tastes: of even and of odd movies. users: what their ids begin with."""
    random = np.random.default_rng(0)
    numbers, films = (
        grid.ravel() for grid in np.meshgrid(np.arange(1, 81), np.arange(1, len(FILMS) + 1))
    )
    liked = (numbers + films) % 2
    share = np.clip(0.25 + 0.5 * liked + random.normal(0, 0.12, len(numbers)), 0, 1)
    steps = np.rint(share * (len(scale.stars) - 1)).astype(int)
    table = pl.DataFrame({"user": numbers, "movie": films, "rating": scale.stars[steps]})
    if users:
        table = table.with_columns(user=pl.format("{}{}", pl.lit(users), "user"))
    seen = random.random(len(numbers)) < 0.7
    sides = movies() if titles is None else titles
    return Ratings(table.filter(pl.Series(seen)), movies=sides, scale=scale)


def model(scale: Scale, titles: pl.DataFrame | None = None, users: str = "") -> ALS:
    """ALS on those ratings."""
    return ALS(factors=3).fit(ratings(scale, titles, users))


def saved(folder: Path, scale: Scale = HALF, titles: pl.DataFrame | None = None) -> Path:
    model(scale, titles).save(folder)
    return folder


def letterboxd(films: Sequence[tuple[str, int]], stars: Callable[[int], float]) -> str:
    rows = [
        {
            "Date": f"2024-03-{1 + n % 28:02}",
            "Name": name,
            "Year": year,
            "Letterboxd URI": f"https://boxd.it/{n}",
            "Rating": f"{stars(n):g}",
        }
        for n, (name, year) in enumerate(films)
    ]
    return w.table(w.LETTERBOXD, rows)


def watchlist(films: Sequence[tuple[str, int]]) -> str:
    rows = [{"Date": "2024-03-01", "Name": name, "Year": year} for name, year in films]
    return w.table("Date,Name,Year,Letterboxd URI", rows)


def of_even(n: int) -> float:
    """A person who likes what half of the users like."""
    return (4.5 if n % 2 else 2.0) + (0.5 if n % 3 == 0 else 0)


def person(folder: Path, count: int = 20) -> Path:
    """The Letterboxd ZIP of a person who rated the first `count` films, and two others."""
    others = [("Twice Told", 1973), ("Nowhere To Be Found", 2020)]
    text = letterboxd([*FILMS[:count], *others], of_even)
    return w.archive(folder / "letterboxd.zip", {"ratings.csv": text})


def exports(folder: Path) -> dict[str, Path]:
    """A file of every form, with three films of the catalogue and one that it does not have."""
    films = [*FILMS[:3], ("Nowhere To Be Found", 2020)]
    diary = w.table(
        w.DIARY,
        [
            {"Date": "2024-03-01", "Name": name, "Year": year, "Rating": 4, "Rewatch": ""}
            for name, year in films
        ],
    )
    ten = {"Date Rated": "2024-03-01", "Title Type": "Movie", "Your Rating": 8}
    imdb = [
        {**ten, "Const": f"tt{n:07}", "Title": name, "Year": year}
        for n, (name, year) in enumerate(films, 1)
    ]
    old = [
        {
            "const": row["Const"],
            "created": "Sat Dec 31 00:00:00 2016",
            "Title": row["Title"],
            "Title type": "Feature Film",
            "You rated": 8,
            "Year": row["Year"],
        }
        for row in imdb
    ]
    books = [
        {"Book Id": n, "Title": name, "My Rating": 4, "Original Publication Year": year}
        for n, (name, year) in enumerate(films)
    ]
    trakt = [
        {
            "rated_at": "2024-03-01T10:00:00.000Z",
            "rating": 8,
            "type": "movie",
            "movie": {"title": name, "year": year, "ids": {"trakt": n}},
        }
        for n, (name, year) in enumerate(films)
    ]
    trakt_rows = [
        {"rated_at": item["rated_at"], "type": "movie", "title": name, "year": year, "rating": 8}
        for item, (name, year) in zip(trakt, films, strict=True)
    ]
    netflix = [
        {"Profile Name": "A", "Title Name": name, "Rating Type": "star", "Star Value": 4}
        for name, _ in films
    ]
    anime = [w.anime(name, n, 8) for n, (name, _) in enumerate(films)]
    ratings = letterboxd(films, lambda _: 4)
    (folder / "ratings.csv").write_text(ratings, "utf-8")
    (folder / "diary.csv").write_text(diary, "utf-8")
    return {
        "letterboxd zip": w.archive(folder / "a.zip", {"ratings.csv": ratings}),
        "letterboxd ratings": folder / "ratings.csv",
        "letterboxd diary": folder / "diary.csv",
        "imdb": w.write(folder / "imdb.csv", w.IMDB, imdb),
        "imdb list": w.write(folder / "list.csv", w.IMDB_LIST, imdb),
        "imdb old": w.imdb_old(folder / "old.csv", old),
        "goodreads": w.goodreads(folder / "goodreads.csv", books),
        "storygraph": w.write(
            folder / "storygraph.csv",
            w.STORYGRAPH,
            [{"Title": name, "Authors": "Ann", "Star Rating": "4.0"} for name, _ in films],
        ),
        "myanimelist": w.myanimelist(folder / "anime.xml", *anime),
        "myanimelist gz": w.myanimelist(folder / "anime.xml.gz", *anime),
        "trakt json": w.trakt_json(folder / "trakt.json", trakt),
        "trakt csv": w.write(folder / "trakt.csv", w.TRAKT, trakt_rows),
        "netflix": w.write(folder / "netflix.csv", w.NETFLIX, netflix),
    }


FORMS = (
    *("letterboxd zip", "letterboxd ratings", "letterboxd diary", "imdb", "imdb list", "imdb old"),
    *("goodreads", "storygraph", "myanimelist", "myanimelist gz", "trakt json", "trakt csv"),
    "netflix",
)
