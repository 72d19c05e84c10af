"""What the pages tell a reader to do works, and prints what they show."""

import sys
from pathlib import Path

import pytest

from ratecast.models.state_space.model import StateSpace
from tests.docs.blocks import PAGES, ROOT, Reader, blocks, difference

# Followed by the tests of the service, which start what that page needs.
ELSEWHERE = {"serving.md", "deploy.md", "upgrade.md"}
FOLLOWED = [page for page in PAGES if page.name not in ELSEWHERE and blocks(page)]


@pytest.mark.usefixtures("ml100k")
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.name)
def test_a_reader_can_follow(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    # Fewer iterations and factors, and a refit after every 20 % of new ratings: no page shows its
    # figures.
    defaults = vars(StateSpace)["__init__"].__kwdefaults__
    quick = {"iterations": 3, "factors": 2, "co_rating_factors": 2, "refresh_growth": 0.2}
    for setting, value in quick.items():
        monkeypatch.setitem(defaults, setting, value)
    reader, known = Reader(), set(sys.modules)
    for block in blocks(page):
        reader.follow(block)
    for name in set(sys.modules) - known:
        if (file := getattr(sys.modules[name], "__file__", None)) and str(tmp_path) in file:
            del sys.modules[name]


def test_pages_have_blocks_that_run() -> None:
    named = {page.name for page in FOLLOWED}
    assert {"README.md", "tutorial.md", "own-data.md", "new-model.md", "tune.md"} <= named
    shown = [b for page in FOLLOWED for b in blocks(page) if b.language == "text"]
    assert len(shown) >= 8


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a 1.0262 b", "a 1.0264 b"),
        ("a\n...\nc", "a\nb\nc"),
        ("list: [...]", "list: [1, 2]"),
        ("39 heard", "39  heard"),
    ],
)
def test_what_is_near_is_the_same(shown: str, printed: str) -> None:
    assert not difference(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a 1.0262 b", "a 1.0312 b"),
        ("a\nc", "a\nb\nc"),
        ("a\n...\nd", "a\nb\nc"),
        ("19,997 rows", "19,998 rows"),
        ("frozen", "as-of"),
    ],
)
def test_what_differs_is_told(shown: str, printed: str) -> None:
    assert difference(shown, printed)
