"""The site: its pictures are those of the results, and it builds whole, without the network."""

import re
import runpy
import warnings
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from tests.docs.blocks import PAGES, ROOT
from tests.docs.test_results import RESULTS

# What a browser loads by itself; links that a person follows may lead anywhere.
_LOADED = re.compile(r'<(?:script|img|iframe|link rel="(?:stylesheet|icon|preconnect)")[^>]*'
                     r'(?:src|href)="(https?:)?//[^"]*"')  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it; a warning is an error there."""
    place = tmp_path_factory.mktemp("site")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.chdir(ROOT)
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(place)))
    return place


def test_every_page_is_there(site: Path) -> None:
    pages = {page.stem for page in PAGES if page.parent == ROOT / "docs"}
    assert pages | {"contributing", "changelog"} <= {path.stem for path in site.glob("*.html")}
    reference = {path.stem for path in (site / "reference").glob("*.html")}
    assert {"command-line", "models", "the-contract-of-a-model", "evaluation"} <= reference


def test_the_reference_says_what_the_docstrings_say(site: Path) -> None:
    contract = (site / "reference" / "the-contract-of-a-model.html").read_text("utf-8")
    assert "Update with new ratings, of new users and new movies too" in contract
    command_line = (site / "reference" / "command-line.html").read_text("utf-8")
    assert 'id="evaluate"' in command_line


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        assert not _LOADED.search(path.read_text("utf-8")), path.name
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", path.read_text("utf-8")), path.name


def test_the_picture_is_that_of_the_results() -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "pictures" / "history_length.py"))
    assert drawn["PICTURE"].read_text("utf-8") == drawn["history_length"](RESULTS["rows"])
