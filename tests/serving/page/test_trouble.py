"""The page when something goes wrong, and where a token is needed."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ratecast.serving.errors import RateLimitedError
from ratecast.serving.http.auth import Access, signing_secret
from ratecast.serving.http.limits import Limits
from tests.serving.page.conftest import seated, served
from tests.serving.place import TOKEN, Place, free_port, process, wait


def test_the_page_waits_for_the_model_and_goes_on_by_itself(browser: Any, place: Place) -> None:
    with process(place.home, module="tests.serving.page.gated") as (_, api):
        wait(api, path="/healthz")
        with seated(browser, api) as seat:
            page = seat.at("/movie/50")
            page.get_by_role("heading", name="The model is loading").wait_for()
            (place.home / "gate").touch()
            page.get_by_role("heading", name="Star Wars (1977)").wait_for()
            assert page.locator(".waiting").count() == 0
            assert seat.console == []


def test_a_restart_loses_nothing_and_the_open_page_finds_back(browser: Any, place: Place) -> None:
    port = free_port()
    with process(place.home, port=port) as (running, api):
        wait(api)
        with seated(browser, api) as seat:
            page = seat.at()
            before = seat.forecasts()
            title = seat.give(0, 1)
            after = seat.moved(before)
            page.evaluate("window.before = true")
            running.kill()
            running.wait()
            page.locator("#popup[aria-hidden=false]").wait_for()
            with process(place.home, port=port) as (_, again):
                wait(again)
                page.wait_for_function("window.before === undefined")
                assert seat.forecasts() == after
                page.locator(".rated li").filter(has_text=title).wait_for()


def test_while_the_store_is_away_the_stars_stay_and_can_be_sent_again(
    browser: Any, place: Place
) -> None:
    with process(place.home) as (_, api), seated(browser, api) as seat:
        wait(api)
        page = seat.at()
        before = seat.forecasts()
        lock = sqlite3.connect(place.home / "ratings.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        line = page.locator(".rating-card").first
        line.get_by_role("radio", name="1 star", exact=True).click(force=True)
        line.get_by_text("Not saved: the store is not available").wait_for()
        assert line.get_by_role("radio", name="1 star", exact=True).is_checked()
        assert seat.forecasts() == before
        lock.execute("ROLLBACK")
        lock.close()
        line.get_by_text("Try again").click()
        seat.moved(before)
        page.reload()
        assert page.locator(".rated li").count() == 1
        assert seat.console == []


@pytest.fixture(scope="module")
def closed(
    browser: Any, artifact: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, httpx.Client]]:
    """A service with a token, and few requests a second."""
    home = tmp_path_factory.mktemp("closed")
    with served(artifact, home, f"--token={TOKEN}", "--rate_limit=5") as client:
        yield home, client


def enter(page: Any, user: str, token: str) -> None:
    page.get_by_label("Your number").fill(user)
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Continue").click()


def test_with_a_token_no_user_sees_the_data_of_another(
    browser: Any, closed: tuple[Path, httpx.Client]
) -> None:
    home, api = closed
    access = Access(TOKEN, signing_secret(home))
    with seated(browser, api) as seat:
        page = seat.at()
        page.get_by_role("heading", name="Sign in").wait_for()
        assert page.locator(".rating-card, .forecasts, .rated").count() == 0
        enter(page, "196", access.user_token(197))
        page.get_by_text("This token does not allow it").wait_for()
        enter(page, "196", access.user_token(196))
        page.locator(".rated li").first.wait_for()
        page = seat.at("/user?id=196")
        page.get_by_role("heading", name="User 196").wait_for()
        page = seat.at("/user?id=22")
        page.get_by_label("Token").fill(access.user_token(196))
        page.get_by_role("button", name="Open").click()
        page.get_by_text("This token does not allow it").wait_for()
        assert page.locator(".facts, .residuals, .chart").count() == 0
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_label("Token").press("Enter")
        page.get_by_role("heading", name="User 22").wait_for()
        assert seat.console == []


def test_a_new_user_is_made_with_the_services_token(
    browser: Any, closed: tuple[Path, httpx.Client]
) -> None:
    _, api = closed
    with seated(browser, api) as seat, seated(browser, api) as other:
        page = seat.at("/movie/50")
        page.get_by_role("link", name="Enter your token to rate").click()
        enter(page, "", "not the token of the service")
        page.get_by_text("This token does not allow it").wait_for()
        enter(page, "", TOKEN)
        token = page.locator("code").inner_text()
        user = page.get_by_role("heading", name="You are user").inner_text().split()[-1]
        page.get_by_role("button", name="I saved it").click()
        before = seat.forecasts()
        title = seat.give(0, 1)
        after = seat.moved(before)
        kept = api.get(f"/v1/users/{user}/ratings", headers={"Authorization": f"Bearer {token}"})
        assert [each["movie"]["title"] for each in kept.json()["ratings"]] == [title]
        enter(other.at(), user, token)
        assert other.forecasts() == after


def test_the_files_of_the_page_are_not_counted(
    browser: Any, closed: tuple[Path, httpx.Client]
) -> None:
    home, api = closed
    with seated(browser, api) as seat:
        enter(seat.at(), "10", Access(TOKEN, signing_secret(home)).user_token(10))
        seat.forecasts()
        assert len(seat.requested) > 2 * 5
        assert seat.console == []


def test_stars_are_counted(tmp_path: Path) -> None:
    app = FastAPI()
    app.state.limits, app.state.home = Limits(rate=5), tmp_path
    from ratecast.serving.page.session import PageContext

    context = PageContext(app, clock=lambda: 0.0)
    for _ in range(10):
        context.limit_rate("one")
    with pytest.raises(RateLimitedError, match="at most 5 ratings a second"):
        context.limit_rate("one")
    context.limit_rate("another")
