"""Writers of the published layouts, written apart from the readers that they test."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

from ratecast.data.layouts import ML_1M_OCCUPATIONS, ML_100K_GENRES


@dataclass
class Film:
    movie: int
    name: str
    year: int | None = None
    genres: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return self.name if self.year is None else f"{self.name} ({self.year})"


@dataclass
class Person:
    user: int
    age: int
    gender: str
    occupation: str
    zip: str


Rated = tuple[int, int, float, int]


@dataclass
class World:
    rated: list[Rated]
    films: list[Film]
    people: list[Person] = field(default_factory=list)


def u_data(folder: Path, world: World) -> None:
    _lines(folder / "u.data", ["\t".join(map(_plain, row)) for row in world.rated])
    flags = [[str(int(g in film.genres)) for g in ML_100K_GENRES] for film in world.films]
    rows = [
        "|".join([str(film.movie), film.title, "01-Jan-1995", "", "http://x/?t", *flag])
        for film, flag in zip(world.films, flags, strict=True)
    ]
    _lines(folder / "u.item", rows, "latin-1")
    people = [f"{p.user}|{p.age}|{p.gender}|{p.occupation}|{p.zip}" for p in world.people]
    _lines(folder / "u.user", people, "latin-1")


def recbole(folder: Path, world: World) -> None:
    head = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    rated = ["\t".join(map(_plain, row)) for row in world.rated]
    _lines(folder / "ml-100k.inter", [head, *rated])
    head = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"
    films = []
    for film in world.films:
        # recbole cuts a title at its last bracket; one without brackets it marks so.
        name, _, last = film.title.rpartition(" (")
        name, last = (name, last.removesuffix(")")) if name else ("unkonwn", "unkonwn")
        films.append(f"{film.movie}\t{name}\t{last}\t{' '.join(film.genres)}")
    _lines(folder / "ml-100k.item", [head, *films])
    head = "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token"
    people = [f"{p.user}\t{p.age}\t{p.gender}\t{p.occupation}\t{p.zip}" for p in world.people]
    _lines(folder / "ml-100k.user", [head, *people])


def dat(folder: Path, world: World) -> None:
    _lines(folder / "ratings.dat", ["::".join(map(_plain, row)) for row in world.rated])
    encoding = "latin-1" if world.people else "utf-8"
    films = [f"{f.movie}::{f.title}::{_listed(f)}" for f in world.films]
    _lines(folder / "movies.dat", films, encoding)
    if world.people:
        codes = {name: code for code, name in enumerate(ML_1M_OCCUPATIONS)}
        people = [
            f"{p.user}::{p.gender}::{p.age}::{codes[p.occupation]}::{p.zip}" for p in world.people
        ]
        _lines(folder / "users.dat", people, encoding)


def csvs(folder: Path, world: World) -> None:
    with (folder / "ratings.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["userId", "movieId", "rating", "timestamp"])
        table.writerows(world.rated)
    with (folder / "movies.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow(["movieId", "title", "genres"])
        table.writerows([f.movie, f.title, _listed(f)] for f in world.films)


def _listed(film: Film) -> str:
    return "|".join(film.genres) or "(no genres listed)"


def _plain(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _lines(path: Path, lines: list[str], encoding: str = "utf-8") -> None:
    path.write_bytes("".join(line + "\n" for line in lines).encode(encoding))
