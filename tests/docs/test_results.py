"""What the pages say is what the code does and the results file holds."""

import re
from pathlib import Path

import pytest

from ratecast.evaluation import results_page
from ratecast.evaluation.reproduce import read
from tests.docs.blocks import PAGES, ROOT

RESULTS, FOLDS = read(ROOT)


def test_the_results_page_holds_the_figures_of_the_results_file() -> None:
    assert (ROOT / "docs" / "results.md").read_text("utf-8") == results_page.page(RESULTS, FOLDS)


def test_the_readme_holds_the_figures_of_the_results_file() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert results_page.with_block(text, results_page.readme_block(RESULTS)) == text
    assert results_page.readme_block(RESULTS) in text


def test_the_results_are_of_the_real_data() -> None:
    assert RESULTS["dataset"] == {
        "name": "ml-100k",
        "train": 64_002,
        "valid": 16_001,
        "test": 19_997,
        "train_users": 625,
        "train_items": 1_549,
        "valid_new_user_rows": 13_164,
        "test_new_user_rows": 17_941,
    }


@pytest.mark.parametrize("protocol", ["frozen", "as-of"])
def test_the_flagship_is_the_most_accurate_single_model(protocol: str) -> None:
    """As the README and docs/models.md state."""
    rows = [
        (row["rmse"], row["model"])
        for row in RESULTS["rows"]
        if (row["split"], row["protocol"]) == ("chronological", protocol)
        and (row["part"], row["slice"]) == ("test", "all")
    ]
    assert [model for _, model in sorted(rows)][:2] == ["blend", "state_space"]


FIGURE = re.compile(r"(\d\.\d{3,4})(?:\*\*)?<!-- (\w[\w-]*) (frozen|as-of) (valid|test) -->")
# Pages whose figures are marked one by one; the others are records, or are compared as a whole.
MARKED = [page for page in PAGES if page.name in {
    "index.md", "tutorial.md", "faq.md", "own-data.md", "new-model.md", "tune.md", "scale.md",
}]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_marked_figure_is_that_of_the_results_file(page: Path) -> None:
    for figure, model, protocol, part in FIGURE.findall(page.read_text("utf-8")):
        (row,) = (
            row
            for row in RESULTS["rows"]
            if (row["model"], row["protocol"], row["part"]) == (model, protocol, part)
            and (row["split"], row["slice"]) == ("chronological", "all")
        )
        assert f"{row['rmse']:.{len(figure) - 2}f}" == figure, f"{model} {protocol} {part}"


@pytest.mark.parametrize("page", MARKED, ids=lambda page: page.name)
def test_no_figure_of_a_guide_is_unmarked(page: Path) -> None:
    """Figures in blocks are compared with what the block before them printed."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert not re.findall(r"\b[0-2]\.\d{3,4}\b", FIGURE.sub("", prose))
