"""Every view: on phone and desktop, light and dark; it shows what the model predicts."""

import re
from typing import Any

import httpx
import pytest

from ratecast.plots.canvas import DARK, LIGHT
from ratecast.published_results import results
from ratecast.serving.page.layout import SHEET
from ratecast.serving.page.models import COLUMNS
from tests.serving.page.conftest import PHONE, Seat, seated

# Where, and what is there once it is drawn.
VIEWS = {
    "/": ".forecasts li",
    "/user": ".pick",
    "/user?id=196": ".residuals li",
    "/movie/50": ".similar li",
    "/map": ".chart.map svg",
    "/models": ".figure svg",
    "/import": ".upload",
    "/nothing": ".trouble",
}
SMALL = """() => [...document.querySelectorAll("a, button, label.star")]
  .filter(each => each.offsetHeight && !each.closest(".skip") && !each.closest(".title"))
  .filter(each => each.getBoundingClientRect().height < 44)
  .map(each => each.outerHTML)"""


@pytest.mark.parametrize("path", VIEWS)
def test_a_view_fits_a_phone(browser: Any, api: httpx.Client, path: str) -> None:
    with seated(browser, api, viewport=PHONE, color_scheme="dark") as seat:
        page = seat.at(path)
        page.locator(VIEWS[path]).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == page.locator("header").count() == 1
        assert page.title().endswith(" · ratecast")
        assert page.evaluate(SMALL) == []
        own = (str(api.base_url), "data:", "blob:")
        assert [url for url in seat.requested if not url.startswith(own)] == []
        assert [text for text in seat.console if "404" not in text or path != "/nothing"] == []


def paper(page: Any) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_the_look_follows_the_system_until_one_is_chosen(browser: Any, api: httpx.Client) -> None:
    with seated(browser, api, color_scheme="dark") as seat:
        page = seat.at("/user")
        dark = paper(page)
        page.emulate_media(color_scheme="light")
        light = paper(page)
        assert dark != light
        turn = page.get_by_role("button", name="Light or dark")
        turn.click()
        page.wait_for_function("document.body.classList.contains('body--dark')")
        assert paper(page) == dark
        page.reload()
        page.wait_for_function("document.body.classList.contains('body--dark')")
        assert paper(page) == dark
        turn.click()
        page.wait_for_function("document.body.classList.contains('body--light')")
        assert paper(page) == light


def test_the_colours_are_those_of_the_plots() -> None:
    for name, light in LIGHT.items():
        assert f"--{name}: light-dark({light}, {DARK[name]});" in SHEET


def test_a_user_of_the_data_is_replayed(seat: Seat) -> None:
    page = seat.at("/user")
    page.get_by_text("Random user").click()
    page.locator(".facts b").first.wait_for()
    page.get_by_label("Number of a user").fill("196")
    page.get_by_text("Show", exact=True).click()
    page.get_by_role("heading", name="User 196").wait_for()
    ratings = seat.api.get("/v1/users/196/ratings").json()["ratings"]
    assert page.locator(".facts b").first.inner_text() == str(len(ratings)) == "39"
    assert page.locator(".chart svg").count() == 2
    page.get_by_label("Number of a user").fill("999999")
    page.keyboard.press("Enter")
    page.get_by_text("User 999999 has no ratings here").wait_for()
    seat.at("/user?id=nobody")
    page.get_by_text("ids of this model are whole numbers").wait_for()


def test_a_movie_shows_what_everybody_gave_and_can_be_rated(seat: Seat) -> None:
    page = seat.at("/movie/50")
    counts = page.locator(".given td:last-child").all_inner_texts()
    assert sum(map(int, counts)) == seat.api.get("/v1/movies/50").json()["seen"]
    likes = seat.api.get("/v1/movies/50/similar", params={"n": 10}).json()["movies"]
    assert page.locator(".similar a").all_inner_texts() == [
        each["movie"]["title"] for each in likes
    ]
    page.get_by_role("radio", name="5 stars").click(force=True)
    page.get_by_text("The forecast was").wait_for()
    page.reload()
    assert page.get_by_role("radio", name="5 stars").is_checked()
    page.locator(".similar a").first.click()
    page.get_by_role("heading", name=likes[0]["movie"]["title"]).wait_for()
    answer = seat.api.get("/movie/999999")
    assert answer.status_code == 404
    assert "Movie 999999 is not known to this model." in answer.text


def test_a_movie_seen_without_a_rating_is_not_recommended(seat: Seat) -> None:
    page = seat.at("/movie/100")
    button = page.get_by_role("button", name="Seen it")
    button.click()
    page.get_by_text("It is not recommended to you.").wait_for()
    user = seat.user()
    seen = seat.api.get(f"/v1/users/{user}/export").json()["seen"]
    assert [movie["id"] for movie in seen] == [100]
    among = {"movies": [100, 50]}
    path = f"/v1/users/{user}/recommendations"
    best = seat.api.get(path, params=among).json()["forecasts"]
    assert [each["movie"]["id"] for each in best] == [50]
    page.reload()
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    page.get_by_text("It is not recommended to you.").wait_for(state="hidden")
    assert not seat.api.get(f"/v1/users/{user}/export").json()["seen"]
    page.get_by_role("radio", name="4 stars").click(force=True)
    page.get_by_text("The forecast was").wait_for()
    button.wait_for(state="hidden")
    page.get_by_role("button", name="Remove").click()
    button.wait_for()


def test_a_movie_is_found_on_the_map_and_a_click_opens_it(seat: Seat) -> None:
    page = seat.at("/map")
    page.locator(".chart.map svg").wait_for()
    page.get_by_label("Find a movie on the map").fill("star wars")
    page.locator(".near").get_by_text("Star Wars (1977)").wait_for()
    ring = page.locator(".chart.map path[stroke='var(--ink)']")
    ring.wait_for(state="attached")
    ring.scroll_into_view_if_needed()
    box = ring.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    # Where movies lie on each other, the one on top is meant.
    tip = page.locator(".chart.map > div").filter(has_text=" · ")
    tip.wait_for()
    title = tip.inner_text().split(" · ")[0]
    page.mouse.click(*middle)
    page.wait_for_url(re.compile(r"/movie\?id="))
    page.get_by_role("heading", name=title).wait_for()


def cells(line: Any) -> list[str]:
    found: list[str] = line.locator("td").all_inner_texts()
    return found


def test_the_table_of_the_models_is_that_of_the_results(seat: Seat) -> None:
    found = results()
    assert found is not None
    page = seat.at("/models")
    page.locator(".figure svg").first.wait_for()
    rows = {
        line.locator("th").inner_text().removesuffix("in service"): cells(line)
        for line in page.locator(".models tbody tr").all()
    }
    wanted = {
        (row["model"], row["protocol"], row["part"]): row
        for row in found["rows"]
        if row["slice"] == "all" and row["split"] == "chronological"
    }
    assert set(rows) == {model for model, _, _ in wanted}
    for model, found_cells in rows.items():
        for cell, column in zip(found_cells, COLUMNS, strict=True):
            row = wanted.get((model, column.protocol, column.part))
            assert cell == ("" if row is None else f"{row[column.key]:.{column.digits}f}")
    page.get_by_role("button", name="fit").click()
    quickest = min(rows, key=lambda model: wanted[model, "frozen", "test"]["fit_seconds"])
    page.locator(".models tbody tr").first.filter(has_text=quickest).wait_for()
    page.get_by_role("button", name="fit").click()
    page.locator(".models tbody tr").last.filter(has_text=quickest).wait_for()


def test_the_scores_are_those_of_the_api(seat: Seat) -> None:
    given = [{"movie": movie, "stars": 1 + movie % 5} for movie in range(1, 40)]
    assert seat.api.post("/v1/users/7001/ratings/many", json={"ratings": given}).is_success
    assert seat.api.post("/v1/users/7001/ratings", json={"movie": 41, "stars": 2}).is_success
    figures = seat.api.get("/v1/quality").json()["window"]
    page = seat.at("/models")
    lines = page.locator(".quality tbody tr")
    lines.first.wait_for()
    assert lines.count() == len(figures)
    for line, name in zip(lines.all(), figures, strict=True):
        shown = [f"{figures[name]['n']:,}", f"{figures[name]['rmse']:.3f}"]
        assert cells(line)[:2] == shown


def test_the_page_may_run_its_own_scripts_only(api: httpx.Client) -> None:
    headers = httpx.get(str(api.base_url)).headers
    rules = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert "'unsafe-inline'" not in rules["script-src"]
    assert rules["default-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "httponly" in headers["set-cookie"].lower()
    origin = {"Origin": "https://elsewhere.example"}
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert api.get(path, headers=origin).status_code == 400


def test_what_is_wrong_with_the_api_is_said_by_the_api(api: httpx.Client) -> None:
    for method, path, status in (("GET", "/v1/nothing", 404), ("DELETE", "/v1/predict", 405)):
        answer = api.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    assert (
        api.get("/docs").headers["content-security-policy"].startswith("default-src 'self'; style")
    )
