"""What the pages say is what the code does and the results file holds."""

import re
from pathlib import Path

import pytest

from ratecast.cli import main
from ratecast.evaluation import results_page
from ratecast.evaluation.reproduce import read

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
RESULTS, FOLDS = read(ROOT)


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


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


@pytest.mark.usefixtures("ml100k")
def test_the_readme_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    for code in blocks("README.md", "python"):
        exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.usefixtures("ml100k")
def test_the_readme_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line that starts with `ratecast`, in a folder that has the shipped configs."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    monkeypatch.chdir(tmp_path)
    lines = [
        line.partition("#")[0]
        for block in blocks("README.md", "sh")
        for line in block.splitlines()
        if line.startswith("ratecast")
    ]
    assert len(lines) >= 6
    for line in lines:
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]
        assert main(words[1:]) == 0, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing
