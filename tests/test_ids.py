"""One person, one id: the same in files, frames and requests, whatever wrote the id."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import ratecast as rc
from ratecast import data
from ratecast.column_types import rows_of
from ratecast.errors import InputError
from ratecast.ids import BLANKS, HIGHEST, LOWEST, MOST_BYTES, id_of, read_ids
from ratecast.queries.top_n import top_n
from ratecast.ratings import Ratings

FORMS = st.one_of(
    st.text(max_size=6),
    st.text('0123456789.=" -+e', max_size=8),
    st.sampled_from(["17850", "17850.0", "  17850 ", '="17850"', '"17850"', '=" 17850.00 "', "-0"]),
)


def place(row: int) -> str:
    return f"row {row + 1}"


def column(ids: list[Any], dtype: Any = None) -> pl.Series:
    return read_ids(pl.Series("user", ids, dtype), place).ids


def table(tmp_path: Path, users: list[str], end: str = "\n") -> tuple[Ratings, list[str]]:
    path = tmp_path / "own.csv"
    rows = [f"{user},{movie},{1 + movie % 5}" for movie, user in enumerate(users)]
    path.write_text(end.join(["user,movie,rating", *rows]) + end, newline="")
    notes: list[str] = []
    return data.load(path, notify=notes.append), notes


@settings(deadline=None, max_examples=200)
@example(["  17850 ", "17850.0", '="17850"'])
@given(st.lists(FORMS, min_size=1, max_size=8))
def test_a_column_and_single_ids_follow_one_rule(texts: list[str]) -> None:
    try:
        singly = [id_of(text, True, "user") for text in texts]
    except InputError:
        with pytest.raises(InputError, match=r"^row \d+: "):
            column(texts, pl.String)
        return
    ids = column(texts, pl.String)
    assert ids.cast(pl.String).to_list() == singly
    assert [id_of(own, True, "user") for own in singly] == singly
    numbers = []
    for text in texts:
        try:
            numbers.append(id_of(text, False, "user"))
        except InputError:
            assert ids.dtype == pl.String
    assert ids.to_list() == (numbers if len(numbers) == len(texts) else singly)


@pytest.mark.parametrize("written", ["17850", "17850.0", "  17850 ", '="17850"', "\u00a017850\t"])
def test_a_number_is_the_same_in_every_spelling(tmp_path: Path, written: str) -> None:
    ratings, notes = table(tmp_path, [written, "3", "17850"])
    assert ratings.frame["user"].to_list() == [17850, 3, 17850]
    assert notes == []


@pytest.mark.parametrize("row", [2, 1500])
@pytest.mark.parametrize("written", ["007", '="007"', "+7", "-07"])
def test_leading_zeros_and_signs_count_in_every_row(tmp_path: Path, row: int, written: str) -> None:
    users = ["7"] * (row + 2)
    users[row] = written
    ratings, _ = table(tmp_path, users)
    assert ratings.frame["user"].n_unique() == 2
    assert ratings.frame["user"][row] == written.strip('="')


def test_books_of_excel_keep_their_zeros(tmp_path: Path) -> None:
    ratings, _ = table(tmp_path, ['="0439023483"', '="""0439023483"""', '"=""0439023483"""'])
    assert ratings.frame["user"].n_unique() == 2
    assert ratings.frame["user"][0] == ratings.frame["user"][2] == "0439023483"


@pytest.mark.parametrize(
    ("ids", "dtype", "own"),
    [
        ([17850, 3], pl.UInt32, [17850, 3]),
        ([17850.0, 3.0], pl.Float32, [17850, 3]),
        ([Decimal("17850.0"), Decimal(3)], pl.Decimal(20, 1), [17850, 3]),
        (["17850", "3.0"], pl.Categorical, [17850, 3]),
        ([2**63, 3], pl.UInt64, ["9223372036854775808", "3"]),
        ([2**70, 3], pl.Int128, [str(2**70), "3"]),
        ([str(2**64), "3"], pl.String, ["18446744073709551616", "3"]),
        ([HIGHEST, LOWEST], pl.Int64, [HIGHEST, LOWEST]),
        ([LOWEST - 1, 3], pl.Int64, [str(LOWEST - 1), "3"]),
        ([str(HIGHEST), str(LOWEST)], pl.String, [HIGHEST, LOWEST]),
        ([], pl.Null, []),
    ],
)
def test_columns_of_every_type(ids: list[Any], dtype: Any, own: list[Any]) -> None:
    assert column(ids, dtype).to_list() == own


@pytest.mark.parametrize(
    ("ids", "dtype", "what"),
    [
        ([1.0, 17850.5], pl.Float64, "row 2: user 17850.5 is not an integer"),
        ([1.0, float("nan")], pl.Float64, "row 2: no user; fill it in"),
        ([1.0, 2.0**60], pl.Float64, r"row 2: user 1.15\d*e\+18 is not an integer, or too large"),
        ([Decimal("1.5")], pl.Decimal(20, 1), "row 1: user 1.5 is not an integer"),
        (["a", " "], pl.String, "row 2: no user; fill it in"),
        (["a", '=""'], pl.String, "row 2: no user; fill it in"),
        (["a", "b\0"], pl.String, "row 2: user has a NUL character"),
        (["a", "ü" * (MOST_BYTES // 2 + 1)], pl.String, f"longer than {MOST_BYTES} bytes"),
        ([True], pl.Boolean, "row 1: user ids are Boolean; use integers or text"),
    ],
)
def test_what_is_no_id_is_refused_with_its_row(ids: list[Any], dtype: Any, what: str) -> None:
    with pytest.raises(InputError, match=what):
        column(ids, dtype)


@pytest.mark.parametrize("name", ["NaN", "nan", "null", "None", "N/A", "NA"])
def test_a_user_may_be_called_so_and_it_is_said(tmp_path: Path, name: str) -> None:
    ratings, notes = table(tmp_path, ["ann", name, "bob", name])
    assert ratings.frame["user"].to_list() == ["ann", name, "bob", name]
    assert [note for note in notes if f"{name!r} is read as a name, in 2 rows" in note]
    frame = pl.DataFrame({"user": ["ann", name], "movie": [1, 2], "rating": [3, 4]})
    frame.write_parquet(tmp_path / "own.parquet")
    assert data.load(tmp_path / "own.parquet").frame["user"][1] == name


@pytest.mark.parametrize("empty", ["", '""', " ", '"  "', '=""'])
def test_an_empty_id_is_refused_with_its_line(tmp_path: Path, empty: str) -> None:
    with pytest.raises(InputError, match=r"own\.csv, line 3: no user; fill it in"):
        table(tmp_path, ["ann", empty, "bob"])
    with pytest.raises(InputError, match=r"own\.csv, line 3: (no user|user '.*' is not an int)"):
        table(tmp_path, ["1", empty, "2"])


def test_a_word_among_numbers_is_said(tmp_path: Path) -> None:
    _, notes = table(tmp_path, ["1", "2", "tom", "3"])
    assert "line 4: user 'tom' is not a plain whole number; the user ids are read" in notes[0]


def fitted(users: list[Any]) -> Any:
    movies = [f"m{k}" for k in range(len(users))]
    stars = [float(1 + k % 5) for k in range(len(users))]
    frame = pl.DataFrame({"user": users, "movie": movies, "rating": stars})
    return rc.Bias().fit(Ratings(frame))


NUMBERS = [17850, 17850, 3, 3, 4]
WORDS = ["17850", "17850", "ann", "0439023483", "4"]


@pytest.mark.parametrize("known", [NUMBERS, WORDS])
@pytest.mark.parametrize(
    "asked", [17850, 17850.0, "17850", " 17850.0 ", '="17850"', np.int32(17850)]
)
def test_a_person_is_found_by_every_form_of_the_id(known: list[Any], asked: Any) -> None:
    model = fitted(known)
    own = known[0]
    assert model.users.own_id(asked if not isinstance(asked, np.integer) else asked.item()) == own
    assert model.predict(asked, "m1").history_length.tolist() == [2]
    assert model.predict([asked, 5], ["m1", "m1"]).history_length.tolist() == [2, 0]
    assert top_n(model, asked, 1)["user"].to_list() == [own]
    as_column = pl.Series("user", [asked if not isinstance(asked, np.integer) else int(asked)])
    frames: list[Any] = [pl.DataFrame({"user": as_column, "movie": ["m1"]})]
    frames += [frames[0].to_pandas(), frames[0].to_arrow()]
    for frame in frames:
        assert model.predict(frame).history_length.tolist() == [2]
    later = pl.DataFrame({"user": as_column, "movie": ["m4"], "rating": [4.0]})
    model.observe(Ratings(later))
    assert model.predict(own, "m1").history_length.tolist() == [3]


def test_zeros_that_a_program_took_away_are_named() -> None:
    model = fitted(WORDS)
    ask: list[Callable[[], Any]] = [
        lambda: model.predict(439023483, "m1"),
        lambda: model.predict(pd.DataFrame({"user": [439023483], "movie": ["m1"]})),
        lambda: model.users.own_id(439023483),
    ]
    for each in ask:
        with pytest.raises(InputError, match=r"user 439023483: ids .* text, such as '0439023483'"):
            each()
    assert model.predict("0439023483", "m1").history_length.tolist() == [1]


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ("ann", "user 'ann': ids of this model are whole numbers"),
        ("007", "write 7, without leading zeros, if that is meant"),
        (str(2**63), f"ids of this model are whole numbers from {LOWEST} to {HIGHEST}$"),
        ("-" + "9" * 30, f"ids of this model are whole numbers from {LOWEST} to {HIGHEST}$"),
        (2**63, f"ids of this model are whole numbers from {LOWEST} to {HIGHEST}$"),
    ],
)
def test_what_is_no_number_is_no_new_user_of_a_model_of_numbers(asked: str, what: str) -> None:
    model = fitted(NUMBERS)
    with pytest.raises(InputError, match=what):
        model.predict(asked, "m1")
    with pytest.raises(InputError, match=what):
        model.users.own_id(asked)


def test_a_float_that_is_not_exact_is_no_id() -> None:
    with pytest.raises(InputError, match=r"user 1e\+300: is too large for an exact float; write"):
        id_of(1e300, False, "user")


def test_a_column_of_pandas_with_a_missing_value() -> None:
    frame = pd.DataFrame({"user": [1.0, None], "movie": [1, 2], "rating": [3, 4]})
    with pytest.raises(InputError, match="row 2: no user"):
        rc.load(frame)
    assert rc.load(frame[:1]).frame["user"].to_list() == [1]


def test_side_information_has_the_type_of_the_ratings() -> None:
    frame = pl.DataFrame({"user": ["1", "2"], "movie": [1, 2], "rating": [3.0, 4.0]})
    for known in (["1", "3"], [1.0, 3.0], ['="1"', " 3 "]):
        users = pl.DataFrame({"user": known, "age": [30, 40]})
        model = rc.Bias().fit(Ratings(frame, users=users))
        assert model.users.table["user"].to_list() == [1, 2]
        assert model.users.table["age"].to_list() == [30, None]
    users = pl.DataFrame({"user": ["1", "ann"], "age": [30, 40]})
    with pytest.raises(InputError, match="users, row 2: user 'ann' is no Int64"):
        rc.Bias().fit(Ratings(frame, users=users))


def test_blanks_are_those_of_polars_and_the_mark_of_a_file() -> None:
    letters = pl.Series([chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000])
    assert set(letters.filter(letters.str.strip_chars() == "")) == set(BLANKS) - {"\ufeff"}


@pytest.mark.parametrize("rows", [1, 40])
def test_numbers_beyond_64_bits_are_text_and_it_is_said(rows: int) -> None:
    beyond = [str(2**63 + k) for k in range(rows * 2)]
    for written in (beyond, [*beyond, "5"], [*beyond, *(f"x{k}" for k in range(rows * 3))]):
        read = read_ids(pl.Series("user", written), rows_of("t"))
        assert read.ids.to_list() == written
        assert read.notes[0] == (
            f"t, row 1: user {2**63} is not in -2^62 to 2^63 - 1; the user ids are read as text"
        )


def test_ids_that_differ_in_leading_zeros_are_two_and_it_is_said() -> None:
    read = read_ids(pl.Series("movie", ["0068646", "111161", "0111161"]), rows_of("t"))
    assert read.ids.to_list() == ["0068646", "111161", "0111161"]
    assert read.notes == ["t: movies '111161' and '0111161' are two, since leading zeros count"]
    assert read_ids(pl.Series("movie", ["0068646", "x"]), rows_of("t")).notes == []
