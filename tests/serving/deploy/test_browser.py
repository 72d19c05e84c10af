"""The page in a browser, behind nginx and Caddy: `make test-deploy`."""

from pathlib import Path
from typing import Any

import pytest

from tests.serving.deploy.proxies import PROXIES, ROOT_PATH
from tests.serving.page.conftest import browser, seated, served
from tests.serving.page.test_under_a_path import walk

pytestmark = pytest.mark.deploy
__all__ = ["browser"]


@pytest.mark.parametrize("name", PROXIES)
def test_a_visitor_rates_and_looks_around(
    name: str,
    browser: Any,
    artifact: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "proxy"
    folder.mkdir()
    words = ("--proxy=127.0.0.1", f"--root-path={ROOT_PATH}")
    with (
        served(artifact, tmp_path, *words) as client,
        PROXIES[name](int(client.base_url.port or 0), folder) as front,
        seated(browser, client, ignore_https_errors=True) as seat,
    ):
        walk(seat, f"{front.address}{ROOT_PATH}")
        assert seat.console == []
        cookies = seat.page.context.cookies()
        assert cookies
        assert all(cookie["secure"] for cookie in cookies)
