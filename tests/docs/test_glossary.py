"""The glossary defines each term once, in one or two sentences, in order."""

import re

from tests.docs.blocks import ROOT

_ROW = re.compile(
    r"^\| (?P<term>[^|]+) \| (?P<meaning>[^|]+) \| \[`(?P<file>[^`]+)`\]", re.MULTILINE
)
ROWS = list(_ROW.finditer((ROOT / "docs" / "glossary.md").read_text("utf-8")))


def test_terms_are_sorted_and_defined_once() -> None:
    terms = [row["term"].lower() for row in ROWS]
    assert len(terms) > 80
    assert terms == sorted(set(terms))


def test_a_definition_is_short_and_names_a_file() -> None:
    for row in ROWS:
        meaning = row["meaning"]
        assert meaning.endswith("."), row["term"]
        assert len(re.findall(r"[.:;] ", meaning)) <= 2, row["term"]
        assert (ROOT / "src" / "ratecast" / row["file"]).exists(), row["file"]
