"""Screenshots of the page of the service: python -m docs.pictures.page [FOLDER].

Trains on MovieLens 100K, serves, rates a few movies, brings a list of Letterboxd, and writes the
PNGs of this folder: desktop and phone, light and dark. Needs Chromium.
"""

import csv
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from docs.pictures.browser import chromium, opened
from ratecast import data
from ratecast.errors import InputError
from ratecast.ratings import Ratings
from ratecast.serving.live.published import ArtifactStore
from ratecast.training import make_model

HERE = Path(__file__).parent
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
PORT, TIMEOUT_SECONDS, MAX_BYTES = 8149, 60, 150_000
GIVEN = {"Star Wars (1977)": 5, "Fargo (1996)": 5, "Liar Liar (1997)": 2, "Titanic (1997)": 3}
# What an invented person rated on Letterboxd: one film is of a year that is not the catalogue's,
# and one is not in the catalogue.
BROUGHT = [
    ("Star Wars", 1977, 5), ("Fargo", 1996, 5), ("Pulp Fiction", 1994, 4.5),
    ("The Silence of the Lambs", 1991, 4.5), ("The Godfather", 1972, 4.5), ("Jaws", 1975, 4),
    ("Twelve Monkeys", 1995, 4), ("Blade Runner", 1982, 4), ("Alien", 1979, 4),
    ("Trainspotting", 1996, 3.5), ("Sense and Sensibility", 1995, 3.5), ("Titanic", 1997, 3),
    ("Jerry Maguire", 1996, 3), ("Independence Day (ID4)", 1996, 2.5), ("Liar Liar", 1997, 2),
    ("Twister", 1996, 2), ("Psycho", 1962, 4.5), ("Paddington 2", 2017, 5),
]  # fmt: skip
# Picture: path, selector of the last element that is drawn, window size, color scheme.
VIEWS: dict[str, tuple[str, str, ViewportSize, Literal["light", "dark"]]] = {
    "rate": ("/", ".forecasts li", DESKTOP, "light"),
    "rate_dark": ("/", ".forecasts li", DESKTOP, "dark"),
    "rate_phone": ("/", ".forecasts li", PHONE, "light"),
    "user": ("/user?id=405", ".residuals li", DESKTOP, "light"),
    "movie_phone": ("/movie/50", ".similar li", PHONE, "dark"),
    "map": ("/map", ".chart.map svg", DESKTOP, "light"),
    "map_dark": ("/map", ".chart.map svg", DESKTOP, "dark"),
    "models": ("/models", ".figure svg", DESKTOP, "light"),
    "import": ("/import", ".upload", {"width": 1280, "height": 1040}, "light"),
    "imported": ("/import", ".upload", DESKTOP, "light"),
}


def main(
    folder: Path = HERE, ratings: Ratings | None = None, name: str = "state_space"
) -> list[Path]:
    """Train, serve, rate, take the screenshots; returns their paths."""
    chromium()
    folder.mkdir(parents=True, exist_ok=True)
    table = data.load("ml-100k") if ratings is None else ratings
    with tempfile.TemporaryDirectory() as folder_name:
        home = Path(folder_name)
        make_model(name).fit(table).save(home / "artifact")
        ArtifactStore(home).publish(home / "artifact")
        with served(home) as address, opened() as window:
            return [screenshot(window, address, view, folder) for view in VIEWS]


@contextmanager
def served(home: Path) -> Iterator[str]:
    """Run a service of this folder; yields its address."""
    command = [sys.executable, "-m", "ratecast.cli", "serve", f"--home={home}", f"--port={PORT}"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address, until = f"http://127.0.0.1:{PORT}", time.monotonic() + TIMEOUT_SECONDS
    try:
        while not _ready(address):
            if running.poll() is not None or time.monotonic() > until:
                raise InputError(f"pictures: ratecast serve does not answer at {address}")
            time.sleep(0.1)
        yield address
    finally:
        running.terminate()
        running.wait()


def screenshot(window: Browser, address: str, view: str, folder: Path) -> Path:
    """One view, for a visitor who has rated a few movies."""
    where, selector, size, scheme = VIEWS[view]
    context = window.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(address + where)
    page.locator(selector).first.wait_for(timeout=1000 * TIMEOUT_SECONDS)
    if where == "/":
        rate(page)
    if where == "/import":
        bring(page)
    if view == "imported":
        page.get_by_role("button", name="Rate these movies").click()
        page.locator(".forecasts li").first.wait_for()
        page.mouse.move(0, 0)
    # Wait for animations.
    page.wait_for_timeout(1000)
    path = folder / f"page_{view}.png"
    page.screenshot(path=path)
    context.close()
    slim(path)
    return path


def slim(path: Path) -> None:
    """Compress a picture; one that is still too large gets a palette of 256 colors."""
    with Image.open(path) as taken:
        taken.save(path, optimize=True)
        if path.stat().st_size > MAX_BYTES:
            taken.quantize(colors=256, dither=Image.Dither.NONE).save(path, optimize=True)


def rate(page: Page) -> None:
    """Search a few movies by title, and rate them."""
    for title, stars in GIVEN.items():
        page.get_by_label("Find a movie").fill(title)
        page.locator(".found").get_by_text(title, exact=True).click()
        line = page.locator(".lines .rating-card").first.filter(has_text=title)
        line.wait_for()
        line.get_by_role("radio", name=f"{stars} star").click(force=True)
        line.get_by_text("The forecast was").wait_for()
    page.keyboard.press("Control+Home")


def bring(page: Page) -> None:
    """Give the page a list of Letterboxd, and wait for what it matched."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(("Date", "Name", "Year", "Letterboxd URI", "Rating"))
    for number, (name, year, stars) in enumerate(BROUGHT):
        uri = f"https://boxd.it/{number}"
        rows.writerow((f"2026-10-{1 + number:02}", name, year, uri, f"{stars:g}"))
    content = text.getvalue().encode()
    page.locator(".upload input[type=file]").set_input_files(
        {"name": "ratings.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Rate these movies").wait_for()


def _ready(address: str) -> bool:
    try:
        with urlopen(f"{address}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    for picture in main(Path(sys.argv[1]) if sys.argv[1:] else HERE):
        print(f"wrote {picture}")
