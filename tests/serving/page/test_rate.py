"""Rate, and see the forecasts change: in a real browser."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.serving.page.conftest import Seat, seated


def recommended(api: httpx.Client, user: int) -> dict[str, float]:
    found = api.get(f"/v1/users/{user}/recommendations", params={"n": 8}).json()["forecasts"]
    return {str(each["movie"]["id"]): each["stars"] for each in found}


def rated(api: httpx.Client, user: int) -> dict[str, float]:
    found = api.get(f"/v1/users/{user}/ratings").json()["ratings"]
    return {each["movie"]["title"]: each["stars"] for each in found}


def test_a_rating_changes_the_forecasts_and_is_there_after_a_reload(seat: Seat) -> None:
    page = seat.at()
    before = seat.forecasts()
    title = seat.give(0, 1)
    after = seat.moved(before)
    page.reload()
    assert seat.forecasts() == after
    line = page.locator(".rated li").filter(has_text=title)
    assert line.get_by_role("radio", name="1 star", exact=True).is_checked()
    user = seat.user()
    assert rated(seat.api, user) == {title: 1}
    assert recommended(seat.api, user) == after


def test_a_forecast_is_hidden_until_it_is_asked_for_and_then_that_of_the_api(seat: Seat) -> None:
    page = seat.at()
    line = page.locator(".rating-card").first
    assert line.locator(".forecast").count() == 0
    line.get_by_text("Show forecast").click()
    shown = line.locator(".forecast")
    shown.wait_for()
    movie = shown.get_attribute("data-movie")
    query = {"user": 77_777, "movie": movie}
    expected = seat.api.get("/v1/predict", params=query).json()["forecasts"][0]
    assert float(shown.get_attribute("data-stars")) == expected["stars"]
    words = ", ".join(
        f"{star} stars {share:.0%}" for star, share in expected["probabilities"].items()
    )
    assert line.get_by_role("img", name=words).count() == 1


def test_stars_can_be_changed_and_taken_back(seat: Seat) -> None:
    page = seat.at()
    before = seat.forecasts()
    title = seat.give(1, 5)
    high = seat.moved(before)
    seat.give(1, 2)
    low = seat.moved(high)
    assert low != high
    assert rated(seat.api, seat.user()) == {title: 2}
    page.locator(".rating-card").nth(1).get_by_text("Remove").click()
    assert seat.moved(low) == before


def test_the_keyboard_is_enough(seat: Seat) -> None:
    page = seat.at()
    before = seat.forecasts()
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(9):
        page.keyboard.press("Tab")
        if page.locator(":focus").get_attribute("type") == "radio":
            break
    line = page.locator(".rating-card").first
    title = line.locator(".title").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    line.get_by_text("Enter gives").wait_for()
    page.keyboard.press("Escape")
    line.get_by_text("Enter gives").wait_for(state="detached")
    assert seat.forecasts() == before
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    seat.moved(before)
    stars = int(page.locator(":focus").get_attribute("value"))
    assert rated(seat.api, seat.user()) == {title: stars}


def test_a_movie_is_found_and_rated(seat: Seat) -> None:
    page = seat.at()
    before = seat.forecasts()
    search = page.get_by_label("Find a movie")
    search.fill("no movie is called so")
    page.get_by_text("No movie of that name").wait_for()
    search.fill("star wars")
    page.locator(".found").get_by_text("Star Wars (1977)").click()
    first = page.locator(".rating-card").first
    first.filter(has_text="Star Wars (1977)").wait_for()
    seat.give(0, 5)
    seat.moved(before)
    assert search.input_value() == ""
    assert rated(seat.api, seat.user()) == {"Star Wars (1977)": 5}


def test_what_was_not_seen_gives_way(seat: Seat) -> None:
    page = seat.at()
    title = page.locator(".rating-card .title").first.inner_text()
    page.locator(".rating-card").first.get_by_text("Not seen").click()
    page.locator(".rating-card").filter(has_text=title).wait_for(state="detached")
    assert page.locator(".rating-card").count() == 5


def test_the_list_can_be_of_one_genre(seat: Seat) -> None:
    page = seat.at()
    before = seat.forecasts()
    page.get_by_role("combobox", name="Genre").click()
    page.get_by_role("option", name="Western").click()
    seat.moved(before)
    genres = page.locator(".forecasts small").all_inner_texts()
    assert len(genres) == 8
    assert all("Western" in each for each in genres)


def test_why_is_what_the_api_explains(seat: Seat) -> None:
    page = seat.at()
    before = seat.forecasts()
    title = seat.give(0, 5)
    after = seat.moved(before)
    page.locator(".forecasts").get_by_text("Why?").first.click()
    page.locator(".reasons li").wait_for()
    expected = seat.api.get(f"/v1/users/{seat.user()}/explanations/{next(iter(after))}").json()
    line = page.locator(".reasons li")
    assert title in line.inner_text()
    assert f"{expected['reasons'][0]['effect']:+.2f}" in line.inner_text()
    page.keyboard.press("Escape")
    page.locator(".reasons").wait_for(state="detached")


def test_two_browsers_do_not_see_each_other_and_two_tabs_do(seat: Seat, browser: Any) -> None:
    page = seat.at()
    before = seat.forecasts()
    with seated(browser, seat.api) as other:
        other.at()
        tab = Seat(page.context.new_page(), seat.api)
        tab.at()
        title = seat.give(0, 1)
        after = seat.moved(before)
        assert tab.moved(before) == after
        tab.page.locator(".rated li").filter(has_text=title).wait_for()
        again = tab.give(2, 4)
        assert set(rated(seat.api, seat.user())) == {title, again}
        other.page.reload()
        assert other.forecasts() == before
        assert other.page.locator(".rated li").count() == 0


def test_what_was_given_can_be_taken_along_and_deleted(seat: Seat, tmp_path: Path) -> None:
    page = seat.at()
    before = seat.forecasts()
    seat.give(0, 1)
    seat.moved(before)
    user = seat.user()
    with page.expect_download() as waited:
        page.get_by_text("Download my data").click()
    waited.value.save_as(tmp_path / "mine.json")
    taken = json.loads((tmp_path / "mine.json").read_bytes())
    assert taken == seat.api.get(f"/v1/users/{user}/export").json()
    page.get_by_text("Delete my data").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("Your ratings and your number are deleted").wait_for()
    assert seat.forecasts() == before
    gone = seat.api.get(f"/v1/users/{user}/export").json()
    assert (gone["ratings"], gone["registered"]) == ([], None)
    page.reload()
    assert seat.forecasts() == before


def test_who_was_deleted_elsewhere_starts_afresh(seat: Seat) -> None:
    page = seat.at()
    before = seat.forecasts()
    seat.give(0, 1)
    seat.moved(before)
    user = seat.user()
    assert seat.api.delete(f"/v1/users/{user}").status_code == 204
    page.reload()
    assert seat.forecasts() == before
    seat.give(0, 5)
    seat.moved(before)
    assert seat.user() > user
    assert rated(seat.api, user) == {}


def test_a_cookie_that_is_none_of_ours_means_nothing(seat: Seat) -> None:
    seat.page.context.add_cookies(
        [{"name": "visitor", "value": "nonsense.of.mine", "url": str(seat.api.base_url)}]
    )
    seat.at()
    before = seat.forecasts()
    seat.give(0, 2)
    seat.moved(before)
