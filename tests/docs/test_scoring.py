"""The page about large tables holds the figures that benchmarks/scoring.py wrote."""

import json

from benchmarks import scoring
from benchmarks.marks import with_section
from benchmarks.scoring_page import MARKS, section


def test_the_page_holds_the_measured_figures() -> None:
    page = scoring.PAGE.read_text("utf-8")
    results = json.loads(scoring.RESULTS.read_text("utf-8"))
    assert with_section(page, MARKS, section(results)) == page
