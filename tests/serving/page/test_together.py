"""Two users together, and a watchlist, on the page; in a real browser."""

from pathlib import Path
from typing import Any

import httpx

from tests.exports import writers as w
from tests.serving.page.conftest import PHONE, Seat, seated


def rows(page: Any) -> list[list[str]]:
    page.locator(".together tbody tr").first.wait_for()
    return [
        line.locator("td").all_inner_texts() for line in page.locator(".together tbody tr").all()
    ]


def add(page: Any, user: int) -> None:
    page.get_by_label("Number of a user").fill(str(user))
    page.get_by_role("button", name="Add").click()
    page.get_by_text(f"User {user}").wait_for()


def test_two_users_see_what_both_may_like(seat: Seat) -> None:
    page = seat.at()
    page.get_by_role("link", name="Together").click()
    for user in (196, 186):
        add(page, user)
    body = {"users": [196, 186], "n": 20}
    expected = seat.api.post("/v1/together", json=body).json()["movies"]
    shown = rows(page)
    assert [row[0].split("\n")[0] for row in shown] == [e["movie"]["title"] for e in expected]
    assert shown[0][1:] == [
        f"{expected[0]['chance']:.0%}",
        f"{expected[0]['mean']:.1f}",
        f"{expected[0]['least']:.1f}",
    ]
    page.get_by_role("button", name="Remove user 186").click()
    page.locator(".together").wait_for(state="detached")


def test_it_fits_a_phone(browser: Any, api: httpx.Client) -> None:
    with seated(browser, api, viewport=PHONE) as seat:
        page = seat.at("/together")
        for user in (196, 186):
            add(page, user)
        rows(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert seat.console == []


def test_a_watchlist_is_shown_ranked(seat: Seat, tmp_path: Path) -> None:
    films = [("Fargo", 1996), ("Alien", 1979), ("Nowhere To Be Found", 2020)]
    lines = [{"Date": "2026-01-01", "Name": n, "Year": y} for n, y in films]
    page = seat.at("/import")
    file = w.write(tmp_path / "watchlist.csv", "Date,Name,Year,Letterboxd URI", lines)
    page.locator(".upload input[type=file]").set_input_files(file)
    page.get_by_text("Your watchlist, best first").wait_for()
    stars = list(seat.forecasts().values())
    assert len(stars) == 2
    assert stars == sorted(stars, reverse=True)
    page.get_by_text("Not found for certain: 1").wait_for()
