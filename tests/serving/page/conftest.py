from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ratecast.serving.live.published import ArtifactStore
from tests.serving.place import process, wait

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
TIMEOUT_MS = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; skips the test if there is none.

    Module scope: while it is open, Playwright keeps an event loop in this thread, and no other test
    could have one.
    """
    pytest.importorskip("playwright")
    pytest.importorskip("nicegui")
    from docs.pictures import browser

    if browser.chromium_path() is None:
        pytest.skip(browser.MISSING)
    with browser.opened() as opened:
        yield opened


@dataclass
class Seat:
    """A visitor with a browser. console: its errors and warnings. requested: its URLs."""

    page: Any
    api: httpx.Client
    console: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(TIMEOUT_MS)
        self.page.on("console", lambda message: self._record(message.type, message.text))
        self.page.on("pageerror", lambda error: self._record("error", str(error)))
        self.page.context.on("request", lambda request: self.requested.append(request.url))

    def _record(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.console.append(text)

    def at(self, path: str = "/") -> Any:
        """Go there."""
        self.page.goto(str(self.api.base_url.join(path)))
        return self.page

    def give(self, row: int, stars: int) -> str:
        """Give stars in a line of the first page; the title of its movie."""
        line = self.page.locator(".rating-card").nth(row)
        line.get_by_role("radio", name=f"{stars} star").click(force=True)
        line.get_by_text("Remove").wait_for()
        return str(line.locator(".title").inner_text())

    def forecasts(self) -> dict[str, float]:
        """Movie and unrounded stars of the list of forecasts."""
        self.page.locator(".forecasts li").first.wait_for()
        found = self.page.locator(".forecasts .forecast").evaluate_all(
            "all => all.map(each => [each.dataset.movie, Number(each.dataset.stars)])"
        )
        return {str(movie): float(stars) for movie, stars in found}

    def moved(self, before: dict[str, float]) -> dict[str, float]:
        """The list, once it is another one."""
        first = next(iter(before.values()))
        self.page.wait_for_function(
            "first => +document.querySelector('.forecasts .forecast').dataset.stars !== first",
            arg=first,
        )
        return self.forecasts()

    def user(self) -> int:
        """The number of this visitor: the newest one."""
        return int(self.api.post("/v1/users").json()["user"]) - 1


@contextmanager
def seated(browser: Any, api: httpx.Client, **look: Any) -> Iterator[Seat]:
    """A browser without cookies. look: window size, color scheme."""
    usual = {"viewport": DESKTOP, "reduced_motion": "reduce"}
    context = browser.new_context(**(usual | look))
    try:
        yield Seat(context.new_page(), api)
    finally:
        context.close()


@contextmanager
def served(artifact: Path, home: Path, *words: str) -> Iterator[httpx.Client]:
    """`ratecast serve` with the page, a process of its own: NiceGUI has one app in each."""
    ArtifactStore(home).publish(artifact)
    with process(home, *words) as (_, client):
        wait(client)
        yield client


@pytest.fixture(scope="module")
def api(
    browser: Any, artifact: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """The service of a module's tests."""
    with served(artifact, tmp_path_factory.mktemp("page")) as client:
        yield client


@pytest.fixture
def seat(browser: Any, api: httpx.Client) -> Iterator[Seat]:
    """One visitor; afterwards no other host was requested, and the console is empty."""
    with seated(browser, api) as taken:
        yield taken
        own = (str(api.base_url), "data:", "blob:")
        assert [url for url in taken.requested if not url.startswith(own)] == []
        assert taken.console == []
