"""docs/peers.md gives a version and a source for every behaviour, and pages quote no one."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT

PEERS = ROOT / "docs" / "peers.md"
FINDINGS = sorted(path for path in (ROOT / "findings").glob("*.sh") if path.name != "run.sh")
_VERSION = re.compile(r"\d+\.\d+")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def rows() -> list[list[str]]:
    """The cells of each row of the page's tables, without headings and rules."""
    lines = [line for line in PEERS.read_text("utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "library" and not row[0].startswith("---")]


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]}: {row[1][:30]}")
def test_a_row_has_a_version_and_a_source(row: list[str]) -> None:
    library, behaviour, source, ours = row
    assert _VERSION.search(library)
    assert behaviour
    assert ours
    links = _LINK.findall(source)
    assert links
    for link in links:
        assert link.startswith("https://") or (PEERS.parent / link).is_file(), link


def test_every_finding_is_on_the_page_and_in_the_list() -> None:
    linked = set(re.findall(r"\(\.\./findings/([\w-]+\.sh)\)", PEERS.read_text("utf-8")))
    listed = set(
        re.findall(r"\(([\w-]+\.sh)\)", (ROOT / "findings" / "README.md").read_text("utf-8"))
    )
    assert linked == listed == {path.name for path in FINDINGS}


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem)
def test_a_finding_has_the_form(path: Path) -> None:
    text = path.read_text("utf-8")
    for part in ("# Guess: ", "# Seen: ", "# Source: https://", "set -euo pipefail", "mktemp -d"):
        assert part in text, part
    (install, *_) = re.findall(r"pip install --quiet ((?:.*\\\n)*.*)", text)
    packages = [word for word in install.replace("\\\n", " ").split() if not word.startswith("-")]
    assert packages
    assert all("==" in package for package in packages), packages
    assert "ratecast" not in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_quotes_nobody(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"^\s*>", text, flags=re.MULTILINE)
