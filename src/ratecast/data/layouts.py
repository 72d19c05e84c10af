"""Readers of the layouts in which MovieLens is published, and of the copy in recbole."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ratecast.data.delimited import DelimitedFile, Type
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
_MAX_DEPTH = 4
RATING_COLUMNS: dict[str, Type] = {
    USER: pl.Int64,
    MOVIE: pl.Int64,
    RATING: pl.Float32,
    AT: pl.Int64,
}
USER_COLUMNS: dict[str, Type] = {
    USER: pl.Int64,
    "age": pl.Int32,
    "gender": pl.String,
    "occupation": pl.String,
    "zip": pl.String,
}


@dataclass(frozen=True)
class Tables:
    """The three tables of an edition as in its files. source: the file of the ratings."""

    ratings: pl.DataFrame
    movies: pl.DataFrame
    users: pl.DataFrame
    source: DelimitedFile


@dataclass(frozen=True)
class Layout:
    """How an edition is laid out. key: the file of the ratings, by which a layout is recognised."""

    key: str
    files: frozenset[str]
    read: Callable[[Path], Tables]


def u_data(folder: Path) -> Tables:
    """ml-100k: tabs in u.data, bars and latin-1 in u.item and u.user."""
    source = DelimitedFile(folder / "u.data", RATING_COLUMNS, "\t", header=False, quote=False)
    text = ["title", "released", "video", "address"]
    item: dict[str, Type] = {MOVIE: pl.Int64}
    item |= dict.fromkeys(text, pl.String) | dict.fromkeys(ML_100K_GENRES, pl.Int8)
    movies = DelimitedFile(
        folder / "u.item", item, "|", header=False, quote=False, encoding="latin-1"
    )
    flags = [
        pl.when(pl.col(genre) == 1).then(pl.lit(genre)).otherwise(None) for genre in ML_100K_GENRES
    ]
    genres = pl.concat_list(flags).list.drop_nulls()
    users = DelimitedFile(
        folder / "u.user", USER_COLUMNS, "|", header=False, quote=False, encoding="latin-1"
    )
    return Tables(
        source.read(),
        movies.read().select(movies_of(pl.col(MOVIE), pl.col("title"), genres)),
        users.read(),
        source,
    )


def recbole(folder: Path) -> Tables:
    """The copy of ml-100k in recbole: the same rows and users; the year has its own column."""
    rating_columns = _renamed(
        ["user_id:token", "item_id:token", "rating:float", "timestamp:float"], RATING_COLUMNS
    )
    source = DelimitedFile(folder / "ml-100k.inter", rating_columns, "\t", quote=False)
    title, year, genres = "movie_title:token_seq", "release_year:token", "class:token_seq"
    item: dict[str, Type] = {"item_id:token": pl.Int64}
    item |= dict.fromkeys((title, year, genres), pl.String)
    movies = DelimitedFile(folder / "ml-100k.item", item, "\t", quote=False).read()
    # recbole writes this, misspelt, for the one movie without title and year.
    full_title = (
        pl.when(pl.col(year) == "unkonwn")
        .then(pl.lit("unknown"))
        .otherwise(pl.format("{} ({})", pl.col(title), pl.col(year)))
    )
    user_columns = _renamed(
        ["user_id:token", "age:token", "gender:token", "occupation:token", "zip_code:token"],
        USER_COLUMNS,
    )
    users = DelimitedFile(folder / "ml-100k.user", user_columns, "\t", quote=False).read()
    return Tables(
        source.read().rename(dict(zip(rating_columns, RATING_COLUMNS, strict=True))),
        movies.select(
            movies_of(pl.col("item_id:token"), full_title, split_genres(pl.col(genres), " "))
        ),
        users.rename(dict(zip(user_columns, USER_COLUMNS, strict=True))),
        source,
    )


def dat(folder: Path) -> Tables:
    """ml-1m and ml-10m: two colons between fields; ml-1m has users.dat and is in latin-1."""
    source = DelimitedFile(folder / "ratings.dat", RATING_COLUMNS, "::", header=False, quote=False)
    has_users = (folder / "users.dat").exists()
    item: dict[str, Type] = {MOVIE: pl.Int64, "title": pl.String, "genres": pl.String}
    movies = DelimitedFile(
        folder / "movies.dat", item, "::", False, False, "latin-1" if has_users else "utf-8"
    )
    return Tables(
        source.read(),
        movies.read().select(
            movies_of(pl.col(MOVIE), pl.col("title"), split_genres(pl.col("genres")))
        ),
        _users_of_1m(folder) if has_users else _no_users(),
        source,
    )


def csvs(folder: Path) -> Tables:
    """ml-20m and later, ml-latest: CSV with a header and quotes."""
    rating_columns = _renamed(["userId", "movieId", "rating", "timestamp"], RATING_COLUMNS)
    source = DelimitedFile(folder / "ratings.csv", rating_columns)
    item: dict[str, Type] = {"movieId": pl.Int64, "title": pl.String, "genres": pl.String}
    movies = DelimitedFile(folder / "movies.csv", item).read()
    return Tables(
        source.read().rename(dict(zip(rating_columns, RATING_COLUMNS, strict=True))),
        movies.select(
            movies_of(pl.col("movieId"), pl.col("title"), split_genres(pl.col("genres")))
        ),
        _no_users(),
        source,
    )


LAYOUTS = (
    Layout("u.data", frozenset({"u.data", "u.item", "u.user"}), u_data),
    Layout("ml-100k.inter", frozenset({"ml-100k.inter", "ml-100k.item", "ml-100k.user"}), recbole),
    Layout("ratings.dat", frozenset({"ratings.dat", "movies.dat", "users.dat"}), dat),
    Layout("ratings.csv", frozenset({"ratings.csv", "movies.csv"}), csvs),
)
OPTIONAL = frozenset({"users.dat"})


def find(folder: Path) -> tuple[Layout, Path] | None:
    """The layout in `folder` or up to three levels below, and the folder of its files."""
    for depth in range(_MAX_DEPTH):
        for layout in LAYOUTS:
            for path in sorted(folder.glob("*/" * depth + layout.key)):
                _refuse_gaps(layout, path.parent)
                return layout, path.parent
    return None


def default_scale(layout: Layout, folder: Path) -> Scale:
    """The scale of a folder whose edition is not known."""
    whole_stars = layout.key in ("u.data", "ml-100k.inter") or (folder / "users.dat").exists()
    return Scale(1, 5) if whole_stars else Scale(0.5, 5, 0.5)


def _refuse_gaps(layout: Layout, folder: Path) -> None:
    for name in sorted(layout.files - OPTIONAL):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder}: {layout.key} without {name}; give the complete unpacked folder, "
                f"or the file {layout.key} alone"
            )


def _renamed(names: list[str], types: dict[str, Type]) -> dict[str, Type]:
    return dict(zip(names, types.values(), strict=True))


def _no_users() -> pl.DataFrame:
    return pl.DataFrame(schema={USER: pl.Int64})


def _users_of_1m(folder: Path) -> pl.DataFrame:
    columns: dict[str, Type] = {
        USER: pl.Int64,
        "gender": pl.String,
        "age": pl.Int32,
        "occupation": pl.Int32,
        "zip": pl.String,
    }
    source = DelimitedFile(folder / "users.dat", columns, "::", False, False, "latin-1")
    users = source.read()
    codes = dict(enumerate(ML_1M_OCCUPATIONS))
    unknown = ~users["occupation"].is_in(list(codes))
    if unknown.any():
        where = source.location(int(unknown.arg_max() or 0))
        raise InputError(f"{where}: occupation is not a code from 0 to 20; correct it")
    return users.with_columns(
        pl.col("occupation").replace_strict(codes, return_dtype=pl.String)
    ).select(list(USER_COLUMNS))
