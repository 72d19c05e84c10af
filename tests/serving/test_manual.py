"""What docs/serving.md tells a reader to type works, and its figures are those of the file."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks import pages, serve
from benchmarks.marks import with_section
from tests.serving.place import Place

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text("utf-8")
LINES = re.findall(r"^curl .*$", PAGE, flags=re.MULTILINE)


def test_the_page_shows_every_route(place: Place) -> None:
    assert len(LINES) > 15
    with place.open() as client:
        shown = {(_method(line), _route(line)) for line in LINES}
        for path, methods in client.get("/openapi.json").json()["paths"].items():
            for method in methods:
                pattern = re.sub(r"\{\w+\}", "[^/]+", path)
                found = [p for m, p in shown if m == method.upper() and re.fullmatch(pattern, p)]
                assert found or path == "/healthz", (method, path)


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here: its lines are left out")
def test_every_line_does_what_it_says(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "watchlist.csv").write_text(
        "Date,Name,Year,Letterboxd URI\n2026-1-1,Fargo,1996,x\n"
    )
    with place.open() as client:
        for line in LINES:
            words = shlex.split(line.replace("http://127.0.0.1:8000", str(client.base_url)))
            words += ["-w", "\n%{http_code}"]
            output = subprocess.run(words, capture_output=True, text=True, check=True).stdout
            body, _, status = output.rpartition("\n")
            assert status in ("200", "201", "204"), (line, output)
            if body and "/metrics" not in line and "form=" not in line:
                json.loads(body)


@pytest.mark.skipif(not serve.RESULTS.exists(), reason="no figures yet: make bench-serve")
def test_the_figures_are_those_of_the_file() -> None:
    results = json.loads(serve.RESULTS.read_text("utf-8"))
    page = serve.PAGE.read_text("utf-8")
    assert with_section(page, serve.MARKS, serve.section(results)) == page


@pytest.mark.skipif(not pages.RESULTS.exists(), reason="no figures yet: make bench-serve")
def test_the_figures_of_the_page_are_those_of_the_file() -> None:
    results = json.loads(pages.RESULTS.read_text("utf-8"))
    page = serve.PAGE.read_text("utf-8")
    assert with_section(page, pages.MARKS, pages.section(results)) == page


def _method(line: str) -> str:
    found = re.search(r"-X (\w+)", line)
    return found[1] if found else "GET"


def _route(line: str) -> str:
    found = re.search(r"8000(/[^?' ]*)", line)
    assert found
    return found[1]
