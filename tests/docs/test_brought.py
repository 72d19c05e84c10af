"""The page about large tables holds the figures that benchmarks/brought.py wrote."""

import json

from benchmarks import brought
from benchmarks.marks import with_section


def test_the_page_says_what_was_measured() -> None:
    page = brought.PAGE.read_text("utf-8")
    results = json.loads(brought.RESULTS.read_text("utf-8"))
    assert with_section(page, brought.MARKS, brought.section(results)) == page
