"""Every cell runs, in short; what is committed is of its source; no prose types figures."""

import importlib.util
import json
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "notebooks"
SOURCES = sorted(ROOM.glob("0*.py"))
MOST_BYTES = 1_500_000
# Of one seed here, of three there; the nets' draws move a figure by this much.
SEEDS = 0.006


def script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def committed(source: Path) -> Any:
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


def texts(book: Any) -> list[str]:
    outputs = [o for cell in book.cells for o in cell.get("outputs", [])]
    return [o.get("data", {}).get("text/plain", "") for o in outputs]


def test_there_are_four() -> None:
    assert [source.name[:2] for source in SOURCES] == ["01", "02", "03", "04"]


@pytest.mark.usefixtures("ml100k")
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_cell_runs_in_short(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if chosen := os.environ.get("RATECAST_TEST_HOME"):
        monkeypatch.setenv("RATECAST_HOME", chosen)
    for name in ("RATECAST_SHORT", "TQDM_DISABLE", "NO_COLOR", "PYTHONHASHSEED"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    book = script(ROOM / "run.py").executed(source, short=True)
    drawn = [
        o for c in book.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {})
    ]
    assert len(drawn) >= 4


@pytest.mark.usefixtures("ml100k")
def test_a_cell_that_warns_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RATECAST_SHORT", "TQDM_DISABLE", "NO_COLOR", "PYTHONHASHSEED"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    (tmp_path / "bad.py").write_text(
        "# %%\nimport warnings\n\nwarnings.warn('old', stacklevel=1)\n"
    )
    with pytest.raises(RuntimeError, match=r"bad.py, cell 0 warns: .*old"):
        script(ROOM / "run.py").executed(tmp_path / "bad.py")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_committed_notebook_is_of_its_source(source: Path) -> None:
    book = committed(source)
    wanted = [(cell.cell_type, cell.source) for cell in jupytext.read(source).cells]
    assert [(cell.cell_type, cell.source) for cell in book.cells] == wanted
    outputs = [o for cell in book.cells for o in cell.get("outputs", [])]
    assert len(outputs) >= 6
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert source.with_suffix(".ipynb").stat().st_size < MOST_BYTES


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_prose_types_no_figure(source: Path) -> None:
    prose = [c.source for c in jupytext.read(source).cells if c.cell_type == "markdown"]
    typed = re.findall(r"\d+[.,]\d+|\d+ ?%", " ".join(prose).replace("95 %", ""))
    assert not typed


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_output_lists_ratings_of_users(source: Path) -> None:
    heads = [text.partition("╞")[0] for text in texts(committed(source)) if "╞" in text]
    listed = [head for head in heads if {"user", "rating"} <= set(re.findall(r"\w+", head))]
    assert not listed


def test_the_ladder_agrees_with_the_results_file() -> None:
    book = committed(next(s for s in SOURCES if s.name.startswith("02")))
    table = next(text for text in texts(book) if "published" in text and "protocol" in text)
    rows = re.findall(r"│ (frozen|as-of) +┆ (\w+) +┆ ([\d.]+) +┆ ([\d.]+)", table)
    results = json.loads((ROOT / "results" / "reproduce.json").read_text())["rows"]
    known = {
        (row["protocol"], row["model"]): row["rmse"]
        for row in results
        if (row["split"], row["part"], row["slice"]) == ("chronological", "valid", "all")
    }
    assert len(rows) >= 16
    for protocol, model, here, published in rows:
        assert float(published) == pytest.approx(known[protocol, model], abs=6e-5)
        assert float(here) == pytest.approx(known[protocol, model], abs=SEEDS)


def test_the_originals_figures_are_said_alike() -> None:
    original = json.loads((ROOT / "results" / "original.json").read_text())
    page = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    for figures in ("readme_rmse", "code_run_today_rmse"):
        for figure in original[figures].values():
            assert f"{figure:.3f}" in page
    for loss in original["readme_loss"].values():
        assert f"√{loss:g} = {loss**0.5:.3f}" in page
