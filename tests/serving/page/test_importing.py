"""A rating site's file on the page: dropped, matched, settled, rated; in a real browser."""

from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from ratecast.data.titles import TITLE
from ratecast.exports.title_forms import name_and_year
from ratecast.ratings import Ratings
from tests.exports import writers as w
from tests.importing.catalogue import letterboxd, of_even
from tests.serving.page.conftest import PHONE, Seat, seated
from tests.serving.page.test_rate import rated, recommended

# A second film of a title, three years later: doubtful.
DOUBTFUL = ("Fargo", 1998)
DROP = """([name, bytes]) => {
  const file = new File([new Uint8Array(bytes)], name);
  const data = new DataTransfer();
  data.items.add(file);
  const fire = (kind, place) =>
    place.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
  const place = document.querySelector(".upload");
  fire("dragover", place);
  setTimeout(() => fire("drop", document.querySelector(".q-uploader__dnd")), 100);
}"""


@pytest.fixture(scope="module")
def films(ml100k: Ratings) -> list[tuple[str, int]]:
    """Movies whose titles occur once, with their years."""
    titles = ml100k.movies.filter(pl.col("year").is_not_null())[TITLE].to_list()[50:90]
    named = [name_and_year(title) for title in titles]
    return [(name, year) for name, year in named if year is not None]


@pytest.fixture
def zipped(tmp_path: Path, films: list[tuple[str, int]]) -> Path:
    more = [*films, DOUBTFUL, ("Nowhere To Be Found", 2020)]
    return w.archive(tmp_path / "export.zip", {"ratings.csv": letterboxd(more, of_even)})


def given(page: Any, path: Path | list[Path]) -> None:
    page.locator(".upload input[type=file]").set_input_files(path)


def counts(page: Any) -> dict[str, int]:
    page.get_by_role("button", name="Rate these movies").wait_for()
    numbers = page.locator(".facts b").all_inner_texts()
    return dict(zip(page.locator(".facts span").all_inner_texts(), map(int, numbers), strict=True))


def test_a_file_is_dropped_settled_and_rated(
    seat: Seat, zipped: Path, films: list[tuple[str, int]]
) -> None:
    page = seat.at()
    page.get_by_text("Or bring your ratings").click()
    page.locator(".upload").wait_for()
    page.evaluate(DROP, ["export.zip", list(zipped.read_bytes())])
    found = counts(page)
    assert found == {"matched": len(films), "doubtful": 1, "unmatched": 1}
    page.get_by_text("Unmatched: 1").click()
    page.get_by_text("Nowhere To Be Found (2020)").wait_for()
    page.get_by_role("combobox", name="Movie for Fargo (1998)").click()
    page.get_by_role("option", name="Fargo (1996)").click()
    page.get_by_role("button", name="Rate these movies").click()
    page.get_by_text(f"{len(films) + 1} ratings added, 0 changed").wait_for()
    shown = seat.forecasts()
    user = seat.user()
    assert shown == recommended(seat.api, user)
    stars = rated(seat.api, user)
    assert len(stars) == len(films) + 1
    assert "Fargo (1996)" in stars
    assert not set(stars) & set(page.locator(".forecasts .title").all_inner_texts())
    page.get_by_text("Another file").click()
    given(page, zipped)
    counts(page)
    page.get_by_role("button", name="Rate these movies").click()
    page.get_by_text(f"0 ratings added, 0 changed, {len(films)} there before").wait_for()
    assert rated(seat.api, user) == stars
    page.get_by_text("All your ratings").click()
    page.locator(".rated li").first.wait_for()


def test_what_is_doubtful_is_left_out_unless_it_is_chosen(seat: Seat, zipped: Path) -> None:
    page = seat.at("/import")
    given(page, zipped)
    matched = counts(page)["matched"]
    page.get_by_role("button", name="Rate these movies").click()
    page.locator(".forecasts li").first.wait_for()
    assert len(rated(seat.api, seat.user())) == matched
    assert "Fargo (1996)" not in rated(seat.api, seat.user() - 1)


def test_files_that_cannot_be_read_are_one_line(seat: Seat, tmp_path: Path) -> None:
    page = seat.at("/import")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    empty = w.archive(tmp_path / "empty.zip", {"likes/films.csv": "x"})
    history = w.write(tmp_path / "history.csv", "Title,Date", [])
    evil = tmp_path / "<img src=x onerror=window.evil=1>.csv"
    evil.write_text("a,b\n1,2\n")
    for path, message in (
        (picture, "picture.png: not a known export"),
        (empty, "empty.zip: no export of a rating site in this ZIP"),
        (history, "a file of Netflix viewing history without ratings"),
        (evil, "<img src=x onerror=window.evil=1>.csv: not a known export"),
    ):
        given(page, path)
        page.locator(".alarm").filter(has_text=message).wait_for()
        assert message in page.locator(".alarm").inner_text()
        assert page.locator(".facts").count() == 0
    assert page.evaluate("window.evil") is None
    large = tmp_path / "large.csv"
    large.write_bytes(bytes((16 << 20) + 1))
    given(page, large)
    page.locator(".alarm").filter(has_text="At most 4 files of 16 MB together").wait_for()


def test_one_of_the_profiles_of_netflix_is_chosen(
    seat: Seat, tmp_path: Path, films: list[tuple[str, int]]
) -> None:
    rows = [
        {"Profile Name": who, "Title Name": name, "Rating Type": "star", "Star Value": 4}
        for number, (name, _) in enumerate(films)
        for who in ("Ann B", "<b>Bob</b>")[: 1 + number % 2]
    ]
    page = seat.at("/import")
    given(page, w.write(tmp_path / "Ratings.csv", w.NETFLIX, rows))
    page.get_by_text("Which ratings are yours?").wait_for()
    assert page.locator(".alarm").inner_text() == ""
    page.get_by_role("button", name="Ann B").wait_for()
    page.get_by_role("button", name="<b>Bob</b>").click()
    assert counts(page)["matched"] == len(films) // 2
    page.get_by_text(f"{len(films) // 2} ratings from Netflix").wait_for()
    assert page.get_by_text("Which ratings are yours?").count() == 0


def test_a_file_of_some_megabytes_arrives(seat: Seat, tmp_path: Path) -> None:
    rows = [
        {
            "Date": "2024-03-01",
            "Name": "Fargo",
            "Year": 1996,
            "Rating": 4,
            "Review": "x" * 3_000_000,
        }
    ]
    page = seat.at("/import")
    given(page, w.write(tmp_path / "reviews.csv", w.REVIEWS, rows))
    page.locator(".alarm").filter(has_text="field larger than field limit").wait_for()
    rows[0]["Review"] = "x"
    rows += [dict(rows[0], Name=f"None {k}", Review="x" * 100_000) for k in range(30)]
    given(page, w.write(tmp_path / "reviews.csv", w.REVIEWS, rows))
    assert counts(page)["matched"] == 1
    # Only where the page takes files.
    body = b"x" * 3_000_000
    for path in ("/v1/predict", "/_nicegui/client/x/upload", "/import"):
        assert seat.api.post(path, content=body).status_code == 413


def test_it_fits_a_phone(browser: Any, api: httpx.Client, zipped: Path) -> None:
    with seated(browser, api, viewport=PHONE, color_scheme="dark") as seat:
        page = seat.at("/import")
        given(page, zipped)
        counts(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert seat.console == []


def test_the_log_and_the_metrics_have_no_id_of_a_page(seat: Seat, zipped: Path) -> None:
    page = seat.at("/import")
    given(page, zipped)
    counts(page)
    text = seat.api.get("/metrics").text
    assert 'route="upload"' in text
    assert "/_nicegui/client/" not in text
