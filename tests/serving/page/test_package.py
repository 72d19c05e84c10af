"""What lies beside the page's code: its table, its pictures, and where it is not installed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docs.pictures.page import VIEWS
from ratecast import published_results as published

ROOT = Path(__file__).parents[3]
MOST_BYTES = 200_000


def test_the_table_comes_along_in_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    placed = build["targets"]["wheel"]["force-include"]
    assert placed == {"results/reproduce.json": "ratecast/serving/page/results.json"}
    package = ROOT / "src" / "ratecast"
    assert package.parent / placed["results/reproduce.json"] == published.PACKED
    assert ROOT / "results" / "reproduce.json" == published.WRITTEN
    assert published.WRITTEN.is_file()
    monkeypatch.setattr(published, "PACKED", tmp_path / "results.json")
    monkeypatch.setattr(published, "WRITTEN", tmp_path / "nothing.json")
    assert published.results.__wrapped__() is None
    (tmp_path / "results.json").write_text('{"rows": []}')
    assert published.results.__wrapped__() == {"rows": []}


def test_the_pictures_are_made_by_the_script_and_small() -> None:
    pages = ("serving.md", "own-ratings.md")
    text = "".join((ROOT / "docs" / page).read_text("utf-8") for page in pages)
    shown = re.findall(r"!\[.+?\]\((pictures/page_\w+\.png)\)", text)
    assert len(shown) >= 5
    assert {Path(name).stem.removeprefix("page_") for name in shown} <= set(VIEWS)
    for name in VIEWS:
        assert 0 < (ROOT / "docs" / "pictures" / f"page_{name}.png").stat().st_size < MOST_BYTES


def test_without_nicegui_there_is_no_page_and_help_does_not_load_it() -> None:
    code = (
        "import sys; sys.modules['nicegui'] = None\n"
        "from ratecast.cli import serving\n"
        "assert serving._page() is None\n"
        "del sys.modules['nicegui']\n"
        "import ratecast.serving.server, ratecast.serving.http.app\n"
        "assert 'nicegui' not in sys.modules and 'ratecast.serving.page' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
