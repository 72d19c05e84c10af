"""Exports of one person where a table is wanted: refused with the command that reads them."""

import shlex
from pathlib import Path

import polars as pl
import pytest

from ratecast.cli import main
from ratecast.data import load_table
from ratecast.data.frames import ratings_of
from ratecast.errors import InputError
from tests.exports import writers as w
from tests.importing import catalogue


@pytest.mark.parametrize("form", catalogue.FORMS)
def test_the_refusal_names_the_command_that_reads_it(form: str, tmp_path: Path) -> None:
    path = catalogue.exports(tmp_path)[form]
    with pytest.raises(InputError, match="the export of one person's ratings from") as refused:
        load_table(str(path))
    command = str(refused.value).partition("; ratecast ")[2].removesuffix(" reads it")
    assert main(shlex.split(command)) == 0


def test_a_zip_of_several_files(tmp_path: Path) -> None:
    ratings = catalogue.exports(tmp_path)["letterboxd ratings"].read_text("utf-8")
    files = {"profile.csv": "Date Joined\n", "ratings.csv": ratings, "diary.csv": ""}
    path = w.archive(tmp_path / "my export.zip", files)
    with pytest.raises(
        InputError, match=r"ratings from Letterboxd.*ratecast import '.*export.zip'"
    ):
        load_table(str(path))


def test_a_frame_has_no_file(tmp_path: Path) -> None:
    frame = pl.read_csv(catalogue.exports(tmp_path)["imdb"])
    with pytest.raises(InputError, match=r"ratings from IMDb.*; ratecast import FILE reads it"):
        ratings_of(frame)


def test_a_table_with_users_is_still_one(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("user,Title,Year,Rating\na,M,1990,1\nb,M,1990,5\n", "utf-8")
    assert len(load_table(str(path))) == 2
