"""One version and one date in all places that say them."""

import re
import tomllib
from datetime import date
from typing import Any

import yaml

from tests.packaging.builds import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
# Of https://citation-file-format.github.io, version 1.2.0: what must be there, and what is used.
NEEDED = {"cff-version", "message", "title", "authors"}
USED = {"type", "abstract", "version", "date-released", "license", "keywords"}


def test_the_citation_has_the_keys_of_its_format() -> None:
    assert CITATION.keys() == NEEDED | USED
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] == "software"
    assert CITATION["authors"] == [{"name": "The ratecast authors"}]
    assert isinstance(CITATION["date-released"], date)
    texts = NEEDED | USED - {"authors", "date-released", "keywords"}
    assert all(isinstance(CITATION[key], str) for key in texts - {"authors"})


def test_the_citation_says_what_the_package_says() -> None:
    assert str(CITATION["version"]) == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["keywords"] == PROJECT["keywords"]


def test_the_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    releases = re.findall(r"^## \[(\d\S*)\] - (\S+)$", text, re.MULTILINE)
    assert releases[0] == (PROJECT["version"], CITATION["date-released"].isoformat())
    assert text.count("\n## [Unreleased]\n") <= 1
