"""Screenshots of TensorBoard: three embedding sizes, their table, and the map of the movies.

python -m docs.pictures.boards [FOLDER] trains the three sizes on MovieLens 100K and writes the PNGs
of this folder. Needs Chromium.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, ViewportSize
from tensorboard import program

from docs.pictures.browser import WEBGL, chromium, opened
from ratecast.splits import Split
from ratecast.training.experiment import read_experiment
from ratecast.training.sweep import FACTORS, sweep

HERE = Path(__file__).parent
SIZES: dict[str, ViewportSize] = {
    "scalars": {"width": 1280, "height": 640},
    "hparams": {"width": 1760, "height": 480},
    "projector": {"width": 1280, "height": 720},
}
TIMEOUT_MS = 90_000
# Until animations end.
PAUSE_MS = 2500
MOVIE = "Star Wars (1977)"


def main(
    folder: Path = HERE,
    factors: Sequence[int] = FACTORS,
    split: Split | None = None,
    changes: Sequence[str] = (),
) -> list[Path]:
    """Train, open, take the screenshots; returns their paths."""
    chromium()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        task = read_experiment("mf_bias", ["--out", home, *changes])
        runs = Path(home) / "sizes"
        runs.mkdir()
        for row in sweep(task, factors, split):
            row.run.folder.rename(runs / f"{row.factors:03} factors")
        return screenshots(served(runs), folder)


def served(runs: Path) -> str:
    """Start a TensorBoard of `runs`, which stops with this program; returns its address."""
    board = program.TensorBoard()
    board.configure(logdir=str(runs), port=0, host="localhost", load_fast="false")
    address: str = board.launch()
    return address


def screenshots(address: str, folder: Path) -> list[Path]:
    """One screenshot per tab."""
    tabs: dict[str, tuple[str, Callable[[Page], None]]] = {
        "scalars": ("?darkMode=false&smoothing=0&tagFilter=/rmse$#timeseries", _curves),
        "hparams": ("?darkMode=false#hparams", _table),
        "projector": ("?darkMode=false#projector", _map),
    }
    # One context, whose pages share what was loaded.
    with opened(WEBGL) as browser, browser.new_context() as window:
        return [
            _screenshot(_page(window, SIZES[name]), address + where, prepare, folder / name)
            for name, (where, prepare) in tabs.items()
        ]


def _page(window: BrowserContext, size: ViewportSize) -> Page:
    page = window.new_page()
    page.set_viewport_size(size)
    return page


def _screenshot(page: Page, address: str, prepare: Callable[[Page], None], name: Path) -> Path:
    path = name.with_name(f"tensorboard_{name.name}.png")
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(address)
    prepare(page)
    page.wait_for_timeout(PAUSE_MS)
    page.screenshot(path=path)
    page.close()
    return path


def _curves(page: Page) -> None:
    page.get_by_text("valid/rmse").first.wait_for()
    page.get_by_label("Close side pane").click()


def _table(page: Page) -> None:
    page.get_by_text("final/valid_rmse").last.wait_for(state="attached")


def _map(page: Page) -> None:
    """Color by genre, and select the most rated movie to show its nearest points."""
    inside = page.frame_locator("iframe").frame_locator("iframe")
    inside.get_by_text("Points: ").first.wait_for()
    inside.locator("paper-dropdown-menu").filter(has_text="Color by").first.click()
    inside.locator("paper-item:visible").filter(has_text="genre").first.click()
    inside.locator("vz-projector-inspector-panel input:visible").first.fill(MOVIE)
    inside.get_by_text(MOVIE, exact=True).first.click()
    inside.get_by_text("Nearest points").first.wait_for()


if __name__ == "__main__":
    for picture in main(Path(sys.argv[1]) if sys.argv[1:] else HERE):
        print(f"wrote {picture}")
