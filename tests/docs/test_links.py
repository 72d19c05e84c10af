"""Every link between the pages leads to a file, and to a heading where it names one."""

import re
from pathlib import Path

import pytest
from markdown import markdown

from tests.docs.blocks import PAGES

_LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)")


def links(page: Path) -> list[tuple[str, str]]:
    """File and heading of each link in a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = [link.partition("#") for link in _LINK.findall(text)]
    return [(path, heading) for path, _, heading in found]


def headings(page: Path) -> set[str]:
    """The names by which the headings of a page are linked."""
    html = markdown(page.read_text("utf-8"), extensions=["toc", "fenced_code"])
    return set(re.findall(r'<h\d id="([^"]+)"', html))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, heading in links(page):
        target = page.parent / path if path else page
        assert target.exists(), path
        if heading:
            assert heading in headings(target), f"{path}#{heading}"


def test_pages_link_to_each_other() -> None:
    assert sum(len(links(page)) for page in PAGES) > 30
