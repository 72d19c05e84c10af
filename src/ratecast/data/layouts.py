"""Readers of the layouts in which MovieLens is published, and of the copy in recbole."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from ratecast.data.delimited import DelimitedFile, Type, with_header
from ratecast.data.text_format import TextFormat
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
_SAMPLE_LINES = 100
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
    """How an edition is laid out.

    key: the file of the ratings. lines: by the name of a file a pattern that its header matches, or
    else most of its lines; so a layout is recognised, since other tables have such names.
    """

    key: str
    files: frozenset[str]
    read: Callable[[Path], Tables]
    lines: dict[str, str]
    has_header: bool = False

    def is_in(self, folder: Path) -> bool:
        """Whether the files in the folder have such lines."""
        count = 1 if self.has_header else _SAMPLE_LINES
        for name, pattern in self.lines.items():
            if not (folder / name).is_file():
                continue
            with (folder / name).open(encoding="utf-8-sig", errors="replace") as file:
                lines = [line.strip() for line in islice(file, count)]
            if sum(bool(re.fullmatch(pattern, line)) for line in lines) * 2 <= len(lines):
                return False
        return True


def u_data(folder: Path) -> Tables:
    """ml-100k: tabs in u.data, bars and latin-1 in u.item and u.user."""
    source = _plain(folder / "u.data", RATING_COLUMNS, "\t")
    text = ["title", "released", "video", "address"]
    item: dict[str, Type] = {MOVIE: pl.Int64}
    item |= dict.fromkeys(text, pl.String) | dict.fromkeys(ML_100K_GENRES, pl.Int8)
    movies = _plain(folder / "u.item", item, "|", "latin-1")
    flags = [
        pl.when(pl.col(genre) == 1).then(pl.lit(genre)).otherwise(None) for genre in ML_100K_GENRES
    ]
    genres = pl.concat_list(flags).list.drop_nulls()
    users = _plain(folder / "u.user", USER_COLUMNS, "|", "latin-1")
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
    source = with_header(folder / "ml-100k.inter", rating_columns, "\t", quote=False)
    title, year, genres = "movie_title:token_seq", "release_year:token", "class:token_seq"
    item: dict[str, Type] = {"item_id:token": pl.Int64}
    item |= dict.fromkeys((title, year, genres), pl.String)
    movies = with_header(folder / "ml-100k.item", item, "\t", quote=False).read()
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
    users = with_header(folder / "ml-100k.user", user_columns, "\t", quote=False).read()
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
    source = _plain(folder / "ratings.dat", RATING_COLUMNS, "::")
    has_users = (folder / "users.dat").exists()
    item: dict[str, Type] = {MOVIE: pl.Int64, "title": pl.String, "genres": pl.String}
    movies = _plain(folder / "movies.dat", item, "::", "latin-1" if has_users else "utf-8")
    return Tables(
        source.read(),
        movies.read().select(
            movies_of(pl.col(MOVIE), pl.col("title"), split_genres(pl.col("genres")))
        ),
        _users_of_1m(folder) if has_users else _no_users(),
        source,
    )


def csvs(folder: Path) -> Tables:
    """ml-20m and later, ml-latest: CSV with a header and quotes; with links, if they are there."""
    rating_columns = _renamed(["userId", "movieId", "rating", "timestamp"], RATING_COLUMNS)
    source = with_header(folder / "ratings.csv", rating_columns)
    item: dict[str, Type] = {"movieId": pl.Int64, "title": pl.String, "genres": pl.String}
    read = with_header(folder / "movies.csv", item).read()
    movies = read.select(
        movies_of(pl.col("movieId"), pl.col("title"), split_genres(pl.col("genres")))
    )
    if (folder / "links.csv").exists():
        ids: dict[str, Type] = {"movieId": pl.Int64, "imdbId": pl.String, "tmdbId": pl.String}
        links = with_header(folder / "links.csv", ids).read()
        links = links.rename({"movieId": MOVIE, "imdbId": "imdb", "tmdbId": "tmdb"})
        movies = movies.join(
            links.unique(MOVIE, keep="first"), on=MOVIE, how="left", maintain_order="left"
        )
    return Tables(
        source.read().rename(dict(zip(rating_columns, RATING_COLUMNS, strict=True))),
        movies,
        _no_users(),
        source,
    )


LAYOUTS = (
    Layout(
        "u.data",
        frozenset({"u.data", "u.item", "u.user"}),
        u_data,
        {"u.data": r"\d+\t\d+\t\d\t\d+"},
    ),
    Layout(
        "ml-100k.inter",
        frozenset({"ml-100k.inter", "ml-100k.item", "ml-100k.user"}),
        recbole,
        {"ml-100k.inter": r"user_id:token\titem_id:token\t.*"},
        has_header=True,
    ),
    Layout(
        "ratings.dat",
        frozenset({"ratings.dat", "movies.dat", "users.dat"}),
        dat,
        {
            "ratings.dat": r"[1-9]\d*::[1-9]\d*::[0-5](\.[05])?::\d+",
            "users.dat": r"\d+::[MF]::\d+::\d+::.*",
        },
    ),
    Layout(
        "ratings.csv",
        frozenset({"ratings.csv", "movies.csv", "links.csv"}),
        csvs,
        {"ratings.csv": "userId,movieId,.*", "movies.csv": "movieId,title,.*"},
        has_header=True,
    ),
)
OPTIONAL = frozenset({"users.dat", "links.csv"})


def find(folder: Path) -> tuple[Layout, Path] | None:
    """The layout in `folder` or up to three levels below, and the folder of its files."""
    for depth in range(_MAX_DEPTH):
        for layout in LAYOUTS:
            for path in sorted(folder.glob("*/" * depth + layout.key)):
                if not layout.is_in(path.parent):
                    continue
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


def _plain(
    path: Path, columns: dict[str, Type], separator: str, encoding: str = "utf-8"
) -> DelimitedFile:
    """A file without header and quotes, of these columns."""
    form = TextFormat(tuple(columns), separator, quote=False, encoding=encoding)
    return DelimitedFile(path, columns, form)


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
    source = _plain(folder / "users.dat", columns, "::", "latin-1")
    users = source.read()
    codes = dict(enumerate(ML_1M_OCCUPATIONS))
    unknown = ~users["occupation"].is_in(list(codes))
    if unknown.any():
        where = source.location(int(unknown.arg_max() or 0))
        raise InputError(f"{where}: occupation is not a code from 0 to 20; correct it")
    return users.with_columns(
        pl.col("occupation").replace_strict(codes, return_dtype=pl.String)
    ).select(list(USER_COLUMNS))
