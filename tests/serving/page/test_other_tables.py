"""A table of one's own: words as ids, half stars, titles that are no HTML, a model of few gifts."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest

from ratecast.models.bias import Bias
from ratecast.ratings import Ratings, Scale
from tests.serving.page.conftest import Seat, seated, served

EVIL = "<img src=x onerror=window.evil=1> & 'co' \"ltd\""


@pytest.fixture(scope="module")
def words(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service of a model that keeps no ratings and has no vectors."""
    random = np.random.default_rng(0)
    movies = [f"m/{k} ü" for k in range(12)]
    frame = pl.DataFrame(
        {
            "user": [f"u{k}" for k in random.integers(0, 20, 300)],
            "movie": [movies[k] for k in random.integers(0, 12, 300)],
            "rating": pl.Series(random.integers(1, 11, 300) / 2, dtype=pl.Float32),
            "at": np.arange(300),
        }
    ).unique(["user", "movie"], keep="first", maintain_order=True)
    titles = pl.DataFrame({"movie": movies, "title": [f"{EVIL} {k}" for k in range(12)]})
    home = tmp_path_factory.mktemp("words")
    Bias().fit(Ratings(frame, movies=titles, scale=Scale(0.5, 5, 0.5))).save(home / "artifact")
    rows = [
        {"data": "films.csv", "model": name, "protocol": protocol, "part": "valid", "slice": "all",
         "rmse": 0.5 + k, "mae": 0.25, "nll": 1.5, "ece": None, "fit_seconds": 2.0}
        for k, name in enumerate(("bias", "mean")) for protocol in ("as-of", "frozen")
    ]  # fmt: skip
    (home / "results.json").write_text(json.dumps({"rows": rows}))
    with served(home / "artifact", home, "--item-word=book", f"--comparison={home}") as client:
        yield client


@pytest.fixture
def seat(browser: Any, words: httpx.Client) -> Iterator[Seat]:
    with seated(browser, words) as taken:
        yield taken
        assert taken.page.evaluate("window.evil") is None
        assert taken.console == []


def test_half_stars_are_given_and_titles_are_words(seat: Seat) -> None:
    page = seat.at()
    before = seat.forecasts()
    line = page.locator(".rating-card").first
    assert EVIL in line.locator(".title").inner_text()
    assert line.get_by_role("radio").count() == 10
    line.get_by_role("radio", name="0.5 stars").click(force=True)
    line.get_by_text("Remove").wait_for()
    seat.moved(before)
    page.locator(".forecasts").get_by_text("Why?").first.click()
    page.get_by_text("This model keeps no ratings, so it cannot say").wait_for()
    said = page.locator(".sheet p").all_inner_texts()
    assert any(re.match(r"You give \d\.\d\d (more|less) than others\.", text) for text in said)
    assert any(re.match(r"This book gets .* than other books\.", text) for text in said)
    page.keyboard.press("Escape")
    page.reload()
    assert page.locator(".rated").get_by_role("radio", name="0.5 stars").is_checked()


def test_a_movie_whose_id_is_a_word_has_its_page(seat: Seat) -> None:
    page = seat.at()
    link = page.locator(".forecasts .title").first
    title = link.inner_text()
    link.click()
    page.get_by_role("heading", name=title).wait_for()
    page.get_by_text("This model keeps no ratings").wait_for()
    page.get_by_text("has no book factors").wait_for()
    assert seat.api.get("/movie?id=nothing").status_code == 404
    assert re.search(r"Book \S*nothing\S* is not known", seat.api.get("/movie?id=nothing").text)


def test_what_a_model_cannot_do_is_said_in_one_line(seat: Seat) -> None:
    page = seat.at("/map")
    page.get_by_text("The model bias has no factors of the books").wait_for()
    page = seat.at("/models")
    line = page.locator(".serving").filter(has_text="bias")
    line.wait_for()
    assert line.locator("td").all_inner_texts() == [
        "0.5000",
        "0.5000",
        "0.2500",
        "1.5000",
        "",
        "2.0",
    ]
    assert page.get_by_text("MovieLens").count() == page.locator(".figure").count() == 0
    page = seat.at("/user?id=u1")
    page.get_by_text("keeps no ratings, so none can be replayed").wait_for()


def test_no_word_of_movies_is_left_where_the_items_are_books(seat: Seat) -> None:
    for path in ("/", "/user", "/map", "/models", "/import", "/together", "/nothing"):
        page = seat.at(path)
        page.locator("h1").first.wait_for()
        assert "movie" not in page.locator("body").inner_text().lower(), path
    seat.console.clear()
