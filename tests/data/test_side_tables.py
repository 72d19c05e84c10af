"""Side information of one's own: tables of movies and users, and columns of the ratings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import ratecast as rc
from ratecast import data
from ratecast.data.side_columns import known_at_end
from ratecast.data.standard_columns import TIMED_SET
from ratecast.errors import InputError
from tests.planted import planted, with_sides

RATED = "user,movie,rating\n" + "".join(
    f"{u},{m},{1 + (u * m) % 5}\n" for u in range(1, 7) for m in range(1, 7)
)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    monkeypatch.chdir(tmp_path)
    Path("ratings.csv").write_text(RATED)

    def write(name: str, text: str) -> str:
        Path(name).write_text(text)
        return name

    return write


def load(**options: Any) -> tuple[rc.Ratings, list[str]]:
    notes: list[str] = []
    return rc.load("ratings.csv", notify=notes.append, **options), notes


def test_a_file_of_items_is_joined_and_said(write: Callable[[str, str], str]) -> None:
    rows = "".join(f"{m};Film {m} ({1990 + m});Drama|War;{m}.5;plot {m}\n" for m in range(2, 8))
    ratings, notes = load(items=write("items.csv", f"itemId;Title;Genre;price;plot\n{rows}"))
    assert ratings.movies.columns == ["movie", "title", "genres", "price", "year"]
    assert ratings.movies.row(0) == (2, "Film 2 (1992)", ["Drama", "War"], 2.5, 1992)
    assert notes == [
        "items.csv: side information: title, genres set of 2, price number; left out: plot (text "
        "of 6 values)",
        "items.csv: 1 of 6 movies without a rating; 1 rated movie without a row",
    ]


def test_files_frames_and_pandas_are_joined(write: Callable[[str, str], str]) -> None:
    write("a.csv", "movie,price\n" + "".join(f"{m},{m}\n" for m in range(1, 7)))
    pl.DataFrame({"id": range(1, 7), "emb": [[0.5, k] for k in range(6)]}).write_parquet(
        "b.parquet"
    )
    people = pd.DataFrame({"user": range(1, 7), "Sex": list("FMFMFM"), "height": [1.6, 1.7] * 3})
    ratings, _ = load(items="a.csv, b.parquet", users=people)
    assert dict(ratings.movies.schema) == {
        "movie": pl.Int64, "price": pl.Float64, "emb": pl.Array(pl.Float32, 2)
    }  # fmt: skip
    assert ratings.users.row(1) == (2, "M", 1.7)
    again, _ = load(items=["a.csv", Path("b.parquet")])
    assert again.movies.equals(ratings.movies)


def test_columns_of_the_ratings_have_one_value_for_each_id(
    write: Callable[[str, str], str],
) -> None:
    rows = "".join(
        f"{u},{m},{1 + (u * m) % 5},{m * 2},{'it' if u % 2 else 'fr'}\n"
        for u in range(1, 7)
        for m in range(1, 7)
    )
    write("ratings.csv", f"user,movie,rating,cost,land\n{rows}1,6,2,99,it\n")
    ratings, notes = load(columns="movie.price=cost,user.country=land")
    assert ratings.movies.rows() == [(m, float(m * 2)) for m in range(1, 7)]
    assert ratings.users["country"].to_list() == ["it", "fr"] * 3
    assert "ratings.csv: 1 movie has several values there; the first is taken" in notes
    _, notes = load()
    assert notes[0] == "ratings.csv: columns not used: cost, land"
    with pytest.raises(InputError, match=r"unknown role 'film\.price'; roles are user, movie, "):
        load(columns="film.price=cost")


def test_a_frame_keeps_title_and_genres_as_a_file_does(write: Callable[[str, str], str]) -> None:
    text = "user,movie,rating,title,genres\n1,1,3,Up (2009),Drama|War\n2,1,4,Up (2009),Drama|War\n"
    path = write("t.csv", text)
    assert rc.load(pl.read_csv(path)).movies.equals(rc.load(path).movies)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "sku,price\n1,2\n",
            "i.csv: no column for movie; columns are sku, price; name the one with the ids by",
        ),
        (
            "movie,price\nx,2\n",
            "i.csv, line 2: movie 'x' is no Int64, as the ids of the ratings are",
        ),
        ("movie,price\n,2\n", "i.csv, line 2: no movie; fill it in or remove the row"),
        (
            "movie,price\n1,2\n2,3\n1,4\n",
            "i.csv, line 4: movie 1 has another row, i.csv, line 2, tha",
        ),
        ("movie,price\n91,2\n92,3\n", "i.csv: none of its 2 movie ids, as 91, is in the ratings"),
        ("movie,price\n", "i.csv: no rows; give a table with a row for each movie"),
    ],
)
def test_a_bad_table_is_refused_in_one_line(
    text: str, fault: str, write: Callable[[str, str], str]
) -> None:
    with pytest.raises(InputError) as raised:
        load(items=write("i.csv", text))
    assert fault in str(raised.value)
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match=r"none\.csv: no such file; give a CSV or Parquet file of"):
        load(items="none.csv")


def test_equal_rows_count_once_and_text_ids_match(write: Callable[[str, str], str]) -> None:
    write("ratings.csv", "user,movie,rating\na,007,3\nb,007,4\na,x,5\n")
    ratings, _ = load(items=write("i.csv", "movie,price\n007,2\nx,3\n007,2\n"))
    assert ratings.movies.rows() == [("007", 2.0), ("x", 3.0)]


def test_two_tables_may_not_have_one_column(write: Callable[[str, str], str]) -> None:
    write("a.csv", "movie,price\n1,2\n2,3\n")
    write("b.csv", "movie,price\n1,low\n2,high\n3,low\n4,high\n")
    with pytest.raises(InputError, match=r"b\.csv: column 'price' is in .*a\.csv too; rename"):
        load(items="a.csv,b.csv")


def test_ratings_made_by_hand_are_checked() -> None:
    made = with_sides(planted())
    split = rc.chronological(
        replace(made, movies=made.movies.with_columns(price=pl.col("year") / 2))
    )
    assert split.train.movies.schema["price"] == pl.Float64
    twice = replace(
        made,
        users=pl.concat([made.users, made.users[:1].with_columns(age=99)], how="vertical_relaxed"),
    )
    with pytest.raises(InputError, match=r"users, row 61: user 1 has another row, users, row 1"):
        rc.Bias().fit(twice)
    with pytest.raises(InputError, match="movies: no column 'movie'; columns are"):
        rc.Bias().fit(replace(made, movies=pl.DataFrame({"film": [1]})))
    with pytest.raises(InputError, match="users, row 1: user 'x' is no Int64"):
        rc.Bias().fit(replace(made, users=pl.DataFrame({"user": ["x"], "age": [3]})))


def test_tags_that_were_given_later_than_train_are_left_out(
    write: Callable[[str, str], str],
) -> None:
    write("r.csv", "userId,movieId,rating,timestamp\n1,1,3,100\n1,2,4,200\n2,1,5,300\n2,2,2,400\n")
    tags = write(
        "tags.csv",
        "userId,movieId,tag,timestamp\n1,1,Slow,150\n2,1,slow ,50\n2,1,war,201\n1,2,war,200\n"
        "9,2,,1\n",
    )
    ratings = rc.load("r.csv", items=tags)
    assert ratings.movies.schema["tags"] == TIMED_SET
    train = known_at_end(ratings.take(ratings.at <= 200))
    assert train.movies["tags"].to_list() == [["slow"], ["war"]]
    assert known_at_end(ratings).movies["tags"].to_list() == [["slow", "war"], ["war"]]
    model = rc.Mean().fit(ratings.take(ratings.at <= 200))
    assert model.movies.table["tags"].to_list() == [["slow"], ["war"]]
    # What comes with a request does not bring later tags.
    ids = pl.Series("movie", [1])
    assert model.movies.side(ids, ratings.movies)["tags"].to_list() == [["slow"]]


def test_a_genome_is_a_vector(write: Callable[[str, str], str]) -> None:
    scores = "".join(f"{m},{t},{m / 10 + t / 100}\n" for m in (2, 1) for t in (2, 1, 3))
    ratings, notes = load(items=write("genome-scores.csv", f"movieId,tagId,relevance\n{scores}"))
    assert ratings.movies.schema["genome"] == pl.Array(pl.Float32, 3)
    assert ratings.movies["genome"][0].to_list() == pytest.approx([0.11, 0.12, 0.13])
    assert notes[0] == "genome-scores.csv: side information: genome vector of 3"
    with pytest.raises(InputError, match="movie 1 has 2 scores, not 3; give the whole file"):
        load(
            items=write(
                "g.csv", "movieId,tagId,relevance\n1,1,0.5\n1,2,0.5\n2,1,0.1\n2,2,0.1\n2,3,0"
            )
        )


def test_links_come_with_an_edition(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.0,5\n1,2,3.5,6\n")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,Up (2009),Drama\n2,It,War\n")
    assert data.load(tmp_path).movies.columns == ["movie", "title", "year", "genres"]
    (tmp_path / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0114709,862\n")
    movies = data.load(tmp_path).movies
    assert movies.select("imdb", "tmdb").rows() == [("0114709", "862"), (None, None)]


def test_leading_zeros_count_in_side_tables_as_everywhere(write: Callable[[str, str], str]) -> None:
    write("ratings.csv", "user,movie,rating\na,0111161,3\nb,0068646,4\na,0468569,5\n")
    ratings, notes = load(items=write("i.csv", "movie,price\n0111161,2\n0068646,3\n"))
    assert ratings.movies.rows() == [("0111161", 2.0), ("0068646", 3.0)]
    with pytest.raises(
        InputError, match=r"i\.csv: movie 111161: ids of the ratings are text, such"
    ):
        load(items=write("i.csv", "movie,price\n111161,2\n68646,3\n"))
    with pytest.raises(
        InputError, match="movie 111161: ids of the ratings are text, such as '0111"
    ):
        load(items=pl.DataFrame({"movie": [111161, 9], "price": [2, 3]}))
    _, notes = load(items=write("i.csv", "movie,price\n111161,2\n0068646,3\n0468569,4\n"))
    assert any("'111161' and '0111161' are two, since leading zeros count" in n for n in notes)
