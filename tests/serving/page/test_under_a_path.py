"""The page under a path of a proxy: links, files, socket, cookies and uploads stay under it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.serving.http.test_ids import NASTY, published
from tests.serving.page.conftest import Seat, seated, served
from tests.serving.reverse_proxy import proxied

PREFIX = "/films"


@pytest.fixture(scope="module")
def api(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service whose ids have every character, behind a proxy."""
    home = tmp_path_factory.mktemp("text")
    published(home, "text")
    with served(home / "artifact", home, "--proxy=127.0.0.1") as client:
        yield client


def test_a_browser_stays_under_the_path(browser: Any, api: httpx.Client) -> None:
    with (
        proxied(int(api.base_url.port or 0), PREFIX) as address,
        httpx.Client(base_url=address) as client,
        seated(browser, client) as seat,
    ):
        walk(seat, address)
        assert seat.console == []


def walk(seat: Seat, address: str) -> None:
    """Use the page as a visitor does. address: of the page, with its path."""
    page, prefix = seat.page, urlsplit(address).path
    page.goto(f"{address}/")
    page.locator(".forecasts li").first.wait_for()
    links = page.evaluate(
        "[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"
    )
    assert [link for link in links if not link.startswith((f"{prefix}/", "#"))] == []
    # By the socket, which is under the path too.
    given = seat.give(0, 1)
    page.reload()
    page.locator(".rated li").filter(has_text=given).wait_for()
    link = page.locator(".forecasts .title").first
    title = link.inner_text()
    link.click()
    page.get_by_role("heading", name=title).wait_for()
    assert page.url.startswith(f"{address}/movie?id=")
    page.goto(f"{address}/docs")
    page.locator(".swagger-ui .opblock").first.wait_for()
    own = (f"{address}/", "data:", "blob:")
    assert [url for url in seat.requested if not url.startswith(own)] == []


def test_files_are_kept_and_cookies_are_ours(api: httpx.Client) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": PREFIX}
    answer = api.get("/", headers=said)
    cookie = answer.headers["set-cookie"].lower()
    assert f"path={PREFIX};" in cookie
    assert "; secure" in cookie
    assert "secure" not in httpx.get(str(api.base_url)).headers["set-cookie"].lower()
    file = answer.text.split('src="' + PREFIX)[1].split('"')[0]
    assert "max-age=31536000" in api.get(file, headers=said).headers["cache-control"]
    socket = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    for origin, status in (("https", 200), ("http", 400)):
        headers = said | {"Origin": f"{origin}://{api.base_url.netloc.decode()}"}
        assert api.get(socket, headers=headers).status_code == status
    assert api.head("/models").status_code == 200


@pytest.mark.parametrize("nasty", NASTY)
def test_a_page_takes_every_id(api: httpx.Client, nasty: str) -> None:
    for path in ("/movie", "/user"):
        answer = api.get(f"{path}?id={quote(nasty, safe='')}")
        assert answer.status_code == 200, path
        assert "not known to this model" not in answer.text
