"""One style: light and dark alike, the same bytes for the same figure, nothing left out."""

import re
import struct
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.plots import canvas, predictions, rating_behaviour, vectors
from ratecast.plots import training as epochs
from ratecast.plots.intervals import intervals
from ratecast.plots.picture import Picture
from ratecast.queries.similar import MovieVectors


def bars() -> Picture:
    return rating_behaviour.shares({"one <b>": 0.25, "two": 0.75}, "share of rows")


def movies(count: int = 12) -> MovieVectors:
    random = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "movie": np.arange(count),
            "title": [f"Film {k} <i>" for k in range(count)],
            "genres": [["Drama"] if k % 2 else ["War", "Drama"] for k in range(count)],
        }
    )
    seen = random.integers(1, 90, count)
    return MovieVectors(table, seen, random.normal(size=count), random.normal(size=(count, 3)))


def css(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def test_the_page_of_the_report_has_the_same_colours() -> None:
    text = (files("ratecast.evaluation.report") / "page.css").read_text("utf-8")
    light, dark, *_ = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)
    assert canvas.LIGHT.items() <= css(light).items()
    assert canvas.DARK.items() <= css(dark).items()


def test_an_svg_file_is_light_and_dark_and_always_the_same(tmp_path: Path) -> None:
    first, second = (
        bars().save(tmp_path / f"{name}.svg").read_text("utf-8") for name in ("one", "two")
    )
    assert first == second
    assert "prefers-color-scheme: dark" in first
    body = first[first.index("</style>") :]
    assert not re.findall(r": #[0-9a-f]{6}", body)
    assert "one &lt;b&gt;" in first
    used = set(re.findall(r"var\(--(\w+)\)", body))
    assert used <= canvas.LIGHT.keys() == canvas.DARK.keys()


def test_a_notebook_gets_a_png(tmp_path: Path) -> None:
    shown = bars()._repr_mimebundle_()
    assert shown["image/png"].startswith(b"\x89PNG")
    assert shown["text/plain"] == "share of rows"
    saved = bars().save(tmp_path / "bars.png").read_bytes()
    assert struct.unpack(">I", saved[16:20]) > struct.unpack(">I", shown["image/png"][16:20])


def test_a_group_is_where_its_figures_are() -> None:
    table = pl.DataFrame(
        {"group": ["a", "b"], "mean": [1.0, 2.0], "low": [0.5, 1.5], "high": [3, 4]}
    )
    axes = intervals({"panel": table}, "stars").figure.axes[0]
    assert axes.lines[-1].get_xdata().tolist() == [1.0, 2.0]  # type: ignore[union-attr]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]


def test_the_ends_of_the_biases_are_the_extremes() -> None:
    known = movies()
    low, high = vectors.biases(known, 3).figure.axes
    widths = [[bar.get_width() for bar in axes.patches] for axes in (low, high)]  # type: ignore[attr-defined]
    assert sorted(widths[0]) == np.sort(known.biases)[:3].tolist()
    assert sorted(widths[1]) == np.sort(known.biases)[-3:].tolist()


def test_a_direction_has_its_two_ends() -> None:
    found = vectors.extremes(movies(), np.arange(12.0), 2)
    assert found["at one end"].to_list() == ["Film 0 <i>", "Film 1 <i>"]
    assert found["at the other"].to_list() == ["Film 11 <i>", "Film 10 <i>"]


def test_no_title_of_a_map_covers_another() -> None:
    known, places = movies(40), np.random.default_rng(1).normal(size=(40, 2)) / 50
    drawn = vectors.movie_map(known, places, range(40), ["War"], "two directions")
    boxes = [text.get_window_extent() for text in drawn.figure.axes[0].texts]
    assert 1 <= len(boxes) < 40
    assert not [1 for k, box in enumerate(boxes) if any(box.overlaps(b) for b in boxes[:k])]


def test_the_interactive_map_needs_no_network_and_escapes(tmp_path: Path) -> None:
    places = np.random.default_rng(1).normal(size=(12, 2))
    text = vectors.interactive_map(movies(), places, ["War"], tmp_path / "map.html").read_text(
        "utf-8"
    )
    assert not re.findall(r'<(?:script|link)[^>]+(?:src|href)="http', text)
    assert "Film 3 &lt;i&gt;" in text or "Film 3 \\u0026lt;i\\u0026gt;" in text
    assert "Film 3 <i>" not in text


def test_the_lowest_validation_is_marked() -> None:
    curve = epochs.Curve([1, 2, 3], [1.0, 0.9, 0.8], [1.1, 0.95, 1.0])
    drawn = epochs.side_by_side({"a": curve}, canvas.pens(["a"]))
    ring = drawn.figure.axes[0].lines[-1]
    assert (ring.get_xdata().item(), ring.get_ydata().item()) == (2, 0.95)  # type: ignore[union-attr]


@pytest.mark.parametrize("stars", [5, 10])
def test_probabilities_of_every_star_have_a_bar(stars: int) -> None:
    shares = np.full((2, stars), 1 / stars)
    scale = np.arange(1.0, stars + 1)
    drawn = predictions.distributions(
        {"new": shares}, {"new": np.array([3.0, 3.0])}, scale, ["a", "b"]
    )
    assert [len(axes.patches) for axes in drawn.figure.axes] == [stars, stars]
