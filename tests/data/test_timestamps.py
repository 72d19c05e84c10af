from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast import data
from ratecast.data.timestamps import to_seconds
from ratecast.errors import InputError

MOMENT = 893091600  # 1998-04-20T17:00:00Z
DAY = 893030400  # 1998-04-20


def row(k: int) -> str:
    return f"own, row {k + 1}"


def read(values: Any, time_format: str | None = None) -> tuple[list[int], str | None]:
    times = to_seconds(pl.Series("at", values), row, time_format)
    assert times.seconds.dtype == pl.Int64
    assert times.seconds.name == "at"
    return times.seconds.to_list(), times.note


def refusal(values: Any, time_format: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        to_seconds(pl.Series("at", values), row, time_format)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line


@pytest.mark.parametrize("wider", [int, float, str])
@pytest.mark.parametrize(
    ("number", "seconds", "note"),
    [
        (MOMENT, MOMENT, None),
        (0, 0, None),
        (-1, -1, None),
        (MOMENT * 10**3 + 999, MOMENT, "milliseconds since 1970"),
        (MOMENT * 10**6, MOMENT, "microseconds since 1970"),
        (1893091600 * 10**9, 1893091600, "nanoseconds since 1970"),
        (-MOMENT * 10**3 - 1, -MOMENT - 1, "milliseconds since 1970"),
        (19980420, DAY, "dates, 19980420 is 1998-04-20"),
        (19000101, -2208988800, "dates, 19000101 is 1900-01-01"),
        (21001231, 4133894400, "dates, 21001231 is 2100-12-31"),
        (19980420170000, MOMENT, "dates and times, 19980420170000 is 1998-04-20"),
        (1998, 883612800, "years, 1998 is 1998-01-01"),
        (1899, 1899, None),
        (2101, 2101, None),
        (21010101, 21010101, None),
    ],
)
def test_numbers(wider: type, number: int, seconds: int, note: str | None) -> None:
    assert read([wider(number)] * 2) == ([seconds] * 2, f"at: read as {note}" if note else None)


@pytest.mark.parametrize("kind", [pl.UInt64, pl.Int128, pl.Decimal(20, 0)])
def test_numbers_of_other_types(kind: Any) -> None:
    assert read(pl.Series([MOMENT * 10**3]).cast(kind))[0] == [MOMENT]


@pytest.mark.parametrize(
    ("values", "seconds", "note"),
    [
        ([19980420, 19980431], [19980420, 19980431], "at: read as seconds, since 19980431 is no"),
        ([19980420, 18991231], [19980420, 18991231], None),
        ([19980420.5], [19980420], None),
        ([1998, 0], [1998, 0], None),
        ([0, MOMENT * 10**3], [0, MOMENT], "at: read as milliseconds"),
    ],
)
def test_numbers_are_dates_only_if_all_are(
    values: list[int], seconds: list[int], note: str | None
) -> None:
    found, said = read(values)
    assert found == seconds
    assert (said or "").startswith(note or "")
    assert bool(said) == bool(note)


@pytest.mark.parametrize("wider", [int, float])
def test_two_units_are_refused_with_the_first_row_of_each(wider: type) -> None:
    values = [MOMENT, MOMENT, MOMENT * 1000, MOMENT * 1000, MOMENT * 10**6]
    line = refusal([wider(value) for value in values])
    assert line.startswith(f"own, row 1: time {MOMENT} is in seconds; own, row 3: time")
    assert "is in milliseconds; own, row 5: time" in line
    assert "is in microseconds; write all times in one unit, or leave the times out" in line


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([1.0, float("nan")], "row 2: time nan is not finite; write integer seconds"),
        ([1.0, float("inf")], "row 2: time inf is not finite"),
        ([1.0, 1e20], "row 2: time 1e+20 is beyond 64 bits"),
        (pl.Series([1, 2**64 - 1], dtype=pl.UInt64), "row 2: time 18446744073709551615 is beyond"),
        ([True], "row 1: times are Boolean; write integer seconds"),
        ([timedelta(1)], "row 1: times are Duration(time_unit='us'); write"),
        ([time(1)], "row 1: times are Time; write"),
        ([[1]], "row 1: times are List(Int64); write"),
    ],
)
def test_numbers_and_types_that_are_no_times(values: Any, what: str) -> None:
    assert what in refusal(values)


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_dates_mean_what_they_are(unit: Any, zone: str | None) -> None:
    assert read([date(1998, 4, 20), date(1900, 1, 1)])[0] == [DAY, -2208988800]
    times = pl.Series([datetime(1998, 4, 20, 17), datetime(1969, 12, 31, 23, 59, 59, 500000)])
    times = times.dt.cast_time_unit(unit).dt.replace_time_zone("UTC" if zone else None)
    times = times.dt.convert_time_zone(zone) if zone else times
    found = to_seconds(times, row, "%d")
    assert found.seconds.to_list() == [MOMENT, -1]
    assert found.fraction is not None
    assert found.fraction.to_list() == [0, 500_000_000]


ZONES = {
    "": 0, "Z": 0, "z": 0, " UTC": 0, "+05:30": 330, "+0530": 330, " +0530": 330, "+05": 300,
    "-08": -480, "-00:30": -30, " GMT": 0,
}  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("fraction", ["", ".5", ",25", ".123456789012"])
@pytest.mark.parametrize("day", ["1998-04-20T", "1998-04-20 ", "1998-04-20t", "1998/04/20 "])
def test_iso_with_every_zone(day: str, fraction: str, zone: str) -> None:
    times = to_seconds(pl.Series([f"{day}17:00:00{fraction}{zone}"]), row)
    assert times.seconds.to_list() == [MOMENT - ZONES[zone] * 60]
    digits = int(fraction[1:10].ljust(9, "0"))
    assert (times.fraction.to_list() if times.fraction is not None else [0]) == [digits]


DAYS = [
    "1998-04-20", "1998/04/20", "1998/4/20", "19980420", "20 Apr 1998", "20 April 1998",
    "20-Apr-1998", "Apr 20, 1998", "APRIL 20 1998", "Monday, April 20, 1998", "1998-04-20Z",
    "1998-04-20 +00:00", " 1998-04-20 ", "Mon Apr 20 00:00:00 1998", "19980420T00:00",
    "Mon, 20 Apr 1998 00:00:00 +0000", "April 20, 1998, 00:00",
]  # fmt: skip


@pytest.mark.parametrize("text", DAYS)
def test_days(text: str) -> None:
    assert read([text, text])[0] == [DAY, DAY]


def test_forms_may_be_mixed_and_the_column_stays() -> None:
    column = pl.Series("at", DAYS * 2)
    assert read(column)[0] == [DAY] * len(column)
    assert column.to_list() == DAYS * 2
    text = ["1998-04-20T17:00:00Z", "1998-04-20", "1998-04-20T17:00:00.5-01", "1998-04-20 17:00"]
    found = to_seconds(pl.Series(text), row)
    assert found.seconds.to_list() == [MOMENT, DAY, MOMENT + 3600, MOMENT]
    assert found.fraction is not None
    assert found.fraction.to_list() == [0, 0, 500_000_000, 0]
    assert read(pl.Series(["1998-04-20"], dtype=pl.Categorical))[0] == [DAY]


@pytest.mark.parametrize("text", ["9/20/1997", "20/9/1997", "20.09.1997", "9-20-97 10:30"])
def test_a_day_or_month_first_is_refused(text: str) -> None:
    line = refusal(["1997-09-20", text])
    assert line.startswith(f"own, row 2: time '{text}' cannot be read: is the day or the month")
    assert "--time-format, as in %m/%d/%Y (time_format in Python)" in line


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "x\ny", "1998-02-29", "1998-13-01", "1998-04-20T24:00:00", "31 Apr 1998",
        "1998-04-20T17:60", "1998-04-20T17:00:00 CET", "1998-04-20-05", "20 Foo 1998",
        "1998-04-20T17:00:00+24:00", "0000-00-00", "1998-04-20T17:00:00.", "x" * 500,
    ],
)  # fmt: skip
def test_text_that_is_no_time(text: str) -> None:
    line = refusal(["1998-04-20", text])
    assert line.startswith("own, row 2: time ")
    assert "cannot be read; write integer seconds" in line
    assert len(line) < 320


@pytest.mark.parametrize(
    ("time_format", "text", "seconds"),
    [
        ("%m/%d/%Y", "4/20/1998", DAY),
        ("%d/%m/%Y", " 20/04/1998 ", DAY),
        ("%d/%m/%y", "20/04/98", DAY),
        ("%d.%m.%Y %H:%M", "20.4.1998 17:00", MOMENT),
        ("%m/%d/%Y %I:%M %p", "4/20/1998 5:00 PM", MOMENT),
        ("%d/%m/%Y %H:%M:%S%z", "20/04/1998 22:30:00+0530", MOMENT),
        ("%Y-%d-%m", "1998-04-12", 912729600),
        ("%Y%m%d", 19980420, DAY),
        ("%Y", 1998, 883612800),
    ],
)
def test_a_time_format_decides(time_format: str, text: str | int, seconds: int) -> None:
    assert read([text], time_format) == ([seconds], None)


def test_a_time_format_with_fractions() -> None:
    times = to_seconds(pl.Series(["20/04/1998 17:00:00.25"]), row, "%d/%m/%Y %H:%M:%S.%f")
    assert times.seconds.to_list() == [MOMENT]
    assert times.fraction is not None
    assert times.fraction.to_list() == [250_000_000]


@pytest.mark.parametrize(
    ("time_format", "text", "what"),
    [
        ("%m/%d/%Y", "20/4/1998", "own, row 2: time '20/4/1998' does not match the time format"),
        ("%m/%d/%Y", "4/20/98", "own, row 2: time '4/20/98' does not match the time format"),
        ("%m/%d/%Y %H", "4/20/1998 5", "'%m/%d/%Y %H': Invalid format string"),
        ("%d/%m/%Y %H:%M %Z", "20/4/1998 1:00 EST", "%Z, the name of a zone, is not read; use %z"),
        ("%Q", "x", "does not match the time format '%Q'"),
        ("", "x", "does not match the time format ''"),
    ],
)
def test_a_time_format_that_does_not_match(time_format: str, text: str, what: str) -> None:
    assert what in refusal(["4/20/1998" if what.startswith("own") else text, text], time_format)


SECONDS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
OFFSETS = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
PATTERNS = [
    "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d %b %Y %H:%M:%S",
    "%d %B %Y %H:%M:%S", "%b %d, %Y %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%c",
    "%a, %d %b %Y %H:%M:%S GMT", "%Y%m%d %H:%M:%S",
]  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SECONDS, st.sampled_from(PATTERNS)), min_size=1, max_size=9))
def test_a_moment_comes_back_from_each_form(rows: list[tuple[datetime, str]]) -> None:
    text = [moment.strftime(pattern) for moment, pattern in rows]
    assert read(text)[0] == [int(moment.timestamp()) for moment, _ in rows]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SECONDS, OFFSETS, st.integers(0, 999_999)), min_size=1, max_size=9))
def test_a_moment_comes_back_from_every_zone(rows: list[tuple[datetime, timezone, int]]) -> None:
    moments = [moment.astimezone(zone).replace(microsecond=k) for moment, zone, k in rows]
    for text in ([m.isoformat() for m in moments], [str(m) for m in moments]):
        times = to_seconds(pl.Series("at", text), row)
        assert times.seconds.to_list() == [int(moment.timestamp()) for moment, _, _ in rows]
        assert times.fraction is not None or not any(k for _, _, k in rows)
        if times.fraction is not None:
            assert times.fraction.to_list() == [k * 1000 for _, _, k in rows]


@settings(deadline=None, max_examples=40)
@given(st.lists(SECONDS, min_size=1, max_size=9), st.sampled_from(["%m/%d/%Y %H:%M:%S", "%c"]))
def test_a_moment_comes_back_by_its_format(moments: list[datetime], time_format: str) -> None:
    text = [moment.strftime(time_format) for moment in moments]
    assert read(text, time_format)[0] == [int(moment.timestamp()) for moment in moments]


@pytest.mark.parametrize(
    "times",
    [
        ["1998-04-20T17:00:00.9Z", "1998-04-20T17:00:00.1Z", "1998-04-20T17:00:00.5Z"],
        [MOMENT + 0.9, MOMENT + 0.1, MOMENT + 0.5],
        [MOMENT * 1000 + 900, MOMENT * 1000 + 100, MOMENT * 1000 + 500],
        [datetime(1998, 4, 20, 17, 0, 0, 10**5 * k, UTC) for k in (9, 1, 5)],
    ],
)
def test_the_order_within_a_second_is_kept(times: list[Any]) -> None:
    table = pl.DataFrame({"user": [1, 1, 1], "movie": [7, 7, 8], "rating": [5, 1, 3], "at": times})
    ratings = data.load(table, notify=lambda _: None)
    assert ratings.frame.columns == ["user", "movie", "rating", "at"]
    assert ratings.frame.rows() == [(1, 8, 3.0, MOMENT), (1, 7, 5.0, MOMENT)]


def test_csv_names_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(f"user,item,rating,at\n1,1,3,{MOMENT}\n\n1,2,3,{MOMENT}000\n")
    with pytest.raises(InputError) as caught:
        data.load(path)
    assert str(caught.value).startswith(
        f"{path}, line 2: time {MOMENT} is in seconds; {path}, line 4: time {MOMENT}000 is in "
        "milliseconds; write all times in one unit"
    )
    path.write_text("user,item,rating,at\n1,1,3,1699999999999999999\n1,2,3,1700000000000000000\n")
    assert data.load(path, notify=lambda _: None).at.tolist() == [1699999999, 1700000000]
    path.write_text("user,item,rating,date\n1,1,1,19980420\n1,2,5,19980421\n")
    said: list[str] = []
    assert data.load(path, notify=said.append).at.tolist() == [DAY, DAY + 86400]
    assert said == [f"{path}: at: read as dates, 19980420 is 1998-04-20"]


@pytest.mark.parametrize(
    ("times", "row", "what"),
    [
        (["100", "200", "soon", "300"], 3, "'soon' cannot be read where most are numbers"),
        (["100", "2020-01-01", "300"], 2, "'2020-01-01' cannot be read where most are numbers"),
        (["2020-01-01", "2020-01-02", "100"], 3, "'100' cannot be read where most are dates"),
        (["2020-01-01", "soon", "2020-01-02"], 2, "'soon' cannot be read; write integer seconds"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "frame"])
def test_the_bad_time_is_named_and_can_be_left_out(
    tmp_path: Path, times: list[str], row: int, what: str, kind: str
) -> None:
    table: Any = pl.DataFrame({"user": 1, "movie": range(len(times)), "rating": 3.0, "at": times})
    where = f"ratings, row {row}"
    if kind == "csv":
        path = tmp_path / "r.csv"
        table.write_csv(path)
        table, where = path, f"{path}, line {row + 1}"
    with pytest.raises(InputError) as refused:
        data.load(table)
    assert f"{where}: time {what}" in str(refused.value)
    assert "--no-time (no_time=True in Python)" in str(refused.value)
    assert not data.load(table, no_time=True, notify=lambda _: None).timed


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([0, 893091600, -1, 893091601], "2 of 4 rows"),
        ([0, 893091600], "1 of 2 rows"),
        ([0, 0], "2 of 2 rows"),
        (["1970-01-01", "2001-01-01"], "1 of 2 rows"),
        # Not seconds since 1970, but the order of the ratings.
        ([0, 1, 2, 3], None),
        ([1, 893091600], None),
    ],
)
def test_times_that_may_be_unknown_are_said_with_their_count(
    times: list[Any], said: str | None
) -> None:
    rows = range(len(times))
    frame = pl.DataFrame({"user": rows, "movie": rows, "rating": [4.0] * len(times), "at": times})
    notes: list[str] = []
    data.load(frame, scale="1:5", notify=notes.append)
    assert len(notes) == (said is not None)
    for note in notes:
        assert note.startswith("ratings: times are 0 or less, 1970-01-01 or before, in ")
        assert f"in {said}, which" in note
        assert "or leave the times out by --no-time" in note
    assert not data.load(frame, no_time=True).timed
