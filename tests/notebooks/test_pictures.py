"""The pictures of the documentation are what their scripts make."""

import re
import struct
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from docs.pictures import browser
from ratecast.ratings import Ratings
from ratecast.splits import Split
from tests.notebooks.test_notebooks import ROOT, script
from tests.training.tables import few

ROOM = ROOT / "docs" / "pictures"
PAGE = (ROOT / "docs" / "notebooks.md").read_text("utf-8")


def titled(part: Ratings) -> Ratings:
    ids = few().train.frame["movie"].unique().sort()
    titles = ["Star Wars (1977)", *(f"Film {movie}" for movie in ids[1:])]
    genres = [["Sci-Fi"] if movie % 2 else ["Drama", "Horror"] for movie in ids]
    return replace(part, movies=pl.DataFrame({"movie": ids, "title": titles, "genres": genres}))


def split() -> Split:
    parts = few()
    assert parts.valid is not None
    return replace(parts, train=titled(parts.train), valid=titled(parts.valid))


# Of TensorBoard's own page.
@pytest.mark.filterwarnings("ignore:html5lib")
@pytest.mark.skipif(browser.chromium_path() is None, reason=browser.MISSING)
def test_tensorboard_is_photographed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boards = script(ROOM / "boards.py")
    # What moves may still move here.
    monkeypatch.setattr(boards, "PAUSE_MS", 0)
    made = boards.main(tmp_path, (2, 4), split(), ["--trainer.epochs", "2"])
    assert [path.name for path in made] == [
        "tensorboard_scalars.png", "tensorboard_hparams.png", "tensorboard_projector.png",
    ]  # fmt: skip
    for path, size in zip(made, boards.SIZES.values(), strict=True):
        assert struct.unpack(">II", path.read_bytes()[16:24]) == (size["width"], size["height"])


def test_the_map_is_drawn_light_and_dark(tmp_path: Path) -> None:
    path = script(ROOM / "map.py").main(tmp_path, titled(few().train), "als", 1)
    drawn = path.read_text("utf-8")
    assert "prefers-color-scheme: dark" in drawn
    assert re.search(r">(Film \d+|Star Wars \(1977\))<", drawn)


def test_every_picture_of_the_page_is_there_and_made_by_a_script() -> None:
    shown = re.findall(r"!\[.+?\]\((pictures/[^)]+)\)", PAGE)
    assert len(shown) == 4
    scripts = "".join(path.read_text("utf-8") for path in ROOM.glob("*.py"))
    for picture in shown:
        assert (ROOT / "docs" / picture).is_file()
        stem = Path(picture).stem
        assert stem.removeprefix("tensorboard_") in scripts


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL):
        exec(compile(code, "docs/notebooks.md", "exec"), {})
    assert (tmp_path / "stars.svg").exists()
