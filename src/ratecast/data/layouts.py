"""Readers of the layouts in which MovieLens is published, and of the copy in recbole."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ratecast.data.delimited import Sheet, Type
from ratecast.data.titles import movies_of, split_genres
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER, Scale

ML_100K_GENRES = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]
ML_1M_OCCUPATIONS = (
    "other or not specified",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)
_DEEPEST = 4
RATED: dict[str, Type] = {USER: pl.Int64, MOVIE: pl.Int64, RATING: pl.Float32, AT: pl.Int64}
PEOPLE: dict[str, Type] = {
    USER: pl.Int64,
    "age": pl.Int32,
    "gender": pl.String,
    "occupation": pl.String,
    "zip": pl.String,
}


@dataclass(frozen=True)
class Tables:
    """The three tables of an edition, as they stand in its files, and the sheet of the ratings."""

    ratings: pl.DataFrame
    movies: pl.DataFrame
    users: pl.DataFrame
    sheet: Sheet


@dataclass(frozen=True)
class Layout:
    """How an edition is laid out: the file that gives it away, all its files, and its reader."""

    key: str
    files: frozenset[str]
    read: Callable[[Path], Tables]


def u_data(folder: Path) -> Tables:
    """ml-100k: tabs in u.data, bars and latin-1 in u.item and u.user."""
    sheet = Sheet(folder / "u.data", RATED, "\t", header=False, quote=False)
    text = ["title", "released", "video", "address"]
    item: dict[str, Type] = {MOVIE: pl.Int64}
    item |= dict.fromkeys(text, pl.String) | dict.fromkeys(ML_100K_GENRES, pl.Int8)
    movies = Sheet(folder / "u.item", item, "|", header=False, quote=False, encoding="latin-1")
    flags = [
        pl.when(pl.col(genre) == 1).then(pl.lit(genre)).otherwise(None) for genre in ML_100K_GENRES
    ]
    genres = pl.concat_list(flags).list.drop_nulls()
    people = Sheet(folder / "u.user", PEOPLE, "|", header=False, quote=False, encoding="latin-1")
    return Tables(
        sheet.read(),
        movies.read().select(movies_of(pl.col(MOVIE), pl.col("title"), genres)),
        people.read(),
        sheet,
    )


def recbole(folder: Path) -> Tables:
    """The copy of ml-100k in recbole: the same rows and people, titles without their brackets."""
    rated = _named(["user_id:token", "item_id:token", "rating:float", "timestamp:float"], RATED)
    sheet = Sheet(folder / "ml-100k.inter", rated, "\t", quote=False)
    title, year, genres = "movie_title:token_seq", "release_year:token", "class:token_seq"
    item: dict[str, Type] = {"item_id:token": pl.Int64}
    item |= dict.fromkeys((title, year, genres), pl.String)
    movies = Sheet(folder / "ml-100k.item", item, "\t", quote=False).read()
    # recbole marks the one movie without title and year so, misspelt.
    full = (
        pl.when(pl.col(year) == "unkonwn")
        .then(pl.lit("unknown"))
        .otherwise(pl.format("{} ({})", pl.col(title), pl.col(year)))
    )
    people = _named(
        ["user_id:token", "age:token", "gender:token", "occupation:token", "zip_code:token"], PEOPLE
    )
    users = Sheet(folder / "ml-100k.user", people, "\t", quote=False).read()
    return Tables(
        sheet.read().rename(dict(zip(rated, RATED, strict=True))),
        movies.select(movies_of(pl.col("item_id:token"), full, split_genres(pl.col(genres), " "))),
        users.rename(dict(zip(people, PEOPLE, strict=True))),
        sheet,
    )


def dat(folder: Path) -> Tables:
    """ml-1m and ml-10m: two colons between fields; latin-1 where there are people (ml-1m)."""
    sheet = Sheet(folder / "ratings.dat", RATED, "::", header=False, quote=False)
    peopled = (folder / "users.dat").exists()
    item: dict[str, Type] = {MOVIE: pl.Int64, "title": pl.String, "genres": pl.String}
    movies = Sheet(
        folder / "movies.dat", item, "::", False, False, "latin-1" if peopled else "utf-8"
    )
    return Tables(
        sheet.read(),
        movies.read().select(
            movies_of(pl.col(MOVIE), pl.col("title"), split_genres(pl.col("genres")))
        ),
        _people_of_1m(folder) if peopled else _nobody(),
        sheet,
    )


def csvs(folder: Path) -> Tables:
    """ml-20m and later, ml-latest: CSV with a header and quotes."""
    rated = _named(["userId", "movieId", "rating", "timestamp"], RATED)
    sheet = Sheet(folder / "ratings.csv", rated)
    item: dict[str, Type] = {"movieId": pl.Int64, "title": pl.String, "genres": pl.String}
    movies = Sheet(folder / "movies.csv", item).read()
    return Tables(
        sheet.read().rename(dict(zip(rated, RATED, strict=True))),
        movies.select(
            movies_of(pl.col("movieId"), pl.col("title"), split_genres(pl.col("genres")))
        ),
        _nobody(),
        sheet,
    )


LAYOUTS = (
    Layout("u.data", frozenset({"u.data", "u.item", "u.user"}), u_data),
    Layout("ml-100k.inter", frozenset({"ml-100k.inter", "ml-100k.item", "ml-100k.user"}), recbole),
    Layout("ratings.dat", frozenset({"ratings.dat", "movies.dat", "users.dat"}), dat),
    Layout("ratings.csv", frozenset({"ratings.csv", "movies.csv"}), csvs),
)
OPTIONAL = frozenset({"users.dat"})


def find(folder: Path) -> tuple[Layout, Path] | None:
    """The layout in `folder` or a little below it, and the folder that holds its files."""
    for depth in range(_DEEPEST):
        for layout in LAYOUTS:
            for path in sorted(folder.glob("*/" * depth + layout.key)):
                _refuse_gaps(layout, path.parent)
                return layout, path.parent
    return None


def default_scale(layout: Layout, folder: Path) -> Scale:
    """The scale of a folder whose edition is not said."""
    whole = layout.key in ("u.data", "ml-100k.inter") or (folder / "users.dat").exists()
    return Scale(1, 5) if whole else Scale(0.5, 5, 0.5)


def _refuse_gaps(layout: Layout, folder: Path) -> None:
    for name in sorted(layout.files - OPTIONAL):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder}: {layout.key} without {name}; give the whole unpacked folder, "
                f"or {layout.key} as a table of your own"
            )


def _named(names: list[str], types: dict[str, Type]) -> dict[str, Type]:
    return dict(zip(names, types.values(), strict=True))


def _nobody() -> pl.DataFrame:
    return pl.DataFrame(schema={USER: pl.Int64})


def _people_of_1m(folder: Path) -> pl.DataFrame:
    columns: dict[str, Type] = {
        USER: pl.Int64,
        "gender": pl.String,
        "age": pl.Int32,
        "occupation": pl.Int32,
        "zip": pl.String,
    }
    sheet = Sheet(folder / "users.dat", columns, "::", False, False, "latin-1")
    people = sheet.read()
    codes = dict(enumerate(ML_1M_OCCUPATIONS))
    strange = ~people["occupation"].is_in(list(codes))
    if strange.any():
        where = sheet.place(int(strange.arg_max() or 0))
        raise InputError(f"{where}: occupation is not a code from 0 to 20; correct it")
    return people.with_columns(
        pl.col("occupation").replace_strict(codes, return_dtype=pl.String)
    ).select(list(PEOPLE))
