"""Writers of the layouts of rating sites, with invented values, apart from the readers."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating"
DIARY = f"{LETTERBOXD},Rewatch,Tags,Watched Date"
REVIEWS = f"{LETTERBOXD},Rewatch,Review,Tags,Watched Date"
IMDB = (
    "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),"
    "Year,Genres,Num Votes,Release Date,Directors"
)
IMDB_LIST = (
    "Position,Const,Created,Modified,Description,Title,Original Title,URL,Title Type,IMDb Rating,"
    "Runtime (mins),Year,Genres,Num Votes,Release Date,Directors,Your Rating,Date Rated"
)
IMDB_OLD = (
    "position,const,created,modified,description,Title,Title type,Directors,You rated,IMDb Rating,"
    "Runtime (mins),Year,Genres,Num. Votes,Release Date (month/day/year),URL"
)
GOODREADS = (
    "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Average Rating,"
    "Publisher,Binding,Number of Pages,Year Published,Original Publication Year,Date Read,"
    "Date Added,Bookshelves,Bookshelves with positions,Exclusive Shelf,My Review,Spoiler,"
    "Private Notes,Read Count,Owned Copies"
)
STORYGRAPH = (
    "Title,Authors,Contributors,ISBN/UID,Format,Read Status,Date Added,Last Date Read,Dates Read,"
    "Read Count,Moods,Pace,Character- or Plot-Driven?,Strong Character Development?,"
    "Loveable Characters?,Diverse Characters?,Flawed Characters?,Star Rating,Review,"
    "Content Warnings,Content Warning Description,Tags,Owned?"
)
TRAKT = (
    "rated_at,type,title,year,trakt_rating,trakt_id,imdb_id,tmdb_id,tvdb_id,url,released,"
    "season_number,episode_number,episode_title,episode_released,episode_trakt_rating,"
    "episode_trakt_id,episode_imdb_id,episode_tmdb_id,episode_tvdb_id,genres,rating"
)
NETFLIX = (
    "Profile Name,Title Name,Rating Type,Star Value,Thumbs Value,Device Model,Event Utc Ts,"
    "Region View Date"
)
Row = Mapping[str, object]


def table(header: str, rows: Sequence[Row], *, quote_all: bool = False) -> str:
    """A CSV with the header; columns that a row does not name are empty."""
    names = header.split(",")
    file = io.StringIO(newline="")
    writer = csv.DictWriter(
        file, names, restval="", quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    )
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def write(path: Path, header: str, rows: Sequence[Row]) -> Path:
    path.write_bytes(table(header, rows).encode())
    return path


def imdb_old(path: Path, rows: Sequence[Row]) -> Path:
    """The layout to 2017: every field quoted, in the Windows encoding."""
    path.write_bytes(table(IMDB_OLD, rows, quote_all=True).encode("cp1252"))
    return path


def goodreads(path: Path, rows: Sequence[Row]) -> Path:
    """With ISBN as ="0439023483", unquoted, as the site writes it."""
    lines = [GOODREADS]
    for row in rows:
        values = {"ISBN": '=""', "ISBN13": '=""', **row}
        cells = [str(values.get(name, "")) for name in GOODREADS.split(",")]
        lines.append(",".join(f'"{c}"' if "," in c and c[0] != "=" else c for c in cells))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def archive(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in files.items():
            file.writestr(name, text)
    return path


def anime(title: str, number: int, score: int, kind: str = "anime") -> str:
    name, key = (
        ("series_title", "series_animedb_id")
        if kind == "anime"
        else (
            "manga_title",
            "manga_mangadb_id",
        )
    )
    return f"""
    <{kind}>
        <{key}>{number}</{key}>
        <{name}><![CDATA[{title}]]></{name}>
        <my_start_date>0000-00-00</my_start_date>
        <my_finish_date>2024-02-10</my_finish_date>
        <my_score>{score}</my_score>
        <my_comments><![CDATA[]]></my_comments>
    </{kind}>"""


def myanimelist(path: Path, *items: str, declared: str = "") -> Path:
    text = (
        f'<?xml version="1.0" encoding="UTF-8" ?>\n{declared}<!-- XML Export -->\n<myanimelist>\n'
        "    <myinfo><user_name>invented</user_name></myinfo>"
        f"{''.join(items)}\n</myanimelist>\n"
    )
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def trakt_json(path: Path, items: Sequence[Any]) -> Path:
    path.write_text(json.dumps(items), "utf-8")
    return path
