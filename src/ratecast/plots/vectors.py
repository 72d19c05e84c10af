"""Plots of a model's movies: biases, a map with titles, and the extremes of a direction."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import BboxBase
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.atomic_write import write_text
from ratecast.optional_packages import require
from ratecast.plots import canvas
from ratecast.plots.canvas import INK, MUTED, OTHER, SERIES, titled
from ratecast.plots.picture import Picture
from ratecast.queries.similar import MovieVectors

_ROW = 0.21


def biases(vectors: MovieVectors, count: int = 12) -> Picture:
    """The movies of the lowest and of the highest bias, side by side, with their ratings."""
    order = np.argsort(vectors.biases, kind="stable")
    ends = {"lowest": order[:count][::-1], "highest": order[-count:]}
    with canvas.style():
        figure = Figure(figsize=(10.4, 0.9 + _ROW * count), layout="constrained")
        for axes, color, (name, rows) in zip(
            figure.subplots(1, 2), (SERIES[1], SERIES[0]), ends.items(), strict=True
        ):
            at = np.arange(len(rows))
            axes.barh(at, vectors.biases[rows], 0.66, color=color)
            names = [f"{_title(vectors, r)}  ({vectors.counts[r]})" for r in rows]
            axes.set_yticks(at, names)
            axes.tick_params(axis="y", labelsize=8.5)
            axes.grid(visible=False, axis="y")
            axes.set_xlabel("bias, stars")
            titled(axes, f"{name} bias (ratings)")
        return Picture(figure, "The lowest and the highest biases of movies")


def movie_map(
    vectors: MovieVectors, places: F64, named: Sequence[int], genres: Sequence[str], axes: str
) -> Picture:
    """A map of the movies, coloured by genre.

    places: (m, 2) coordinates. named: rows that are labelled with their title. genres: each with
    its own colour; a movie has the colour of its first one. axes: what the coordinates are.
    """
    with canvas.style():
        figure, plot = canvas.single((), 8.6, 6.4, 0.3)
        colored = _by_genre(vectors, genres)
        sizes = 5 + 26 * np.sqrt(vectors.counts / max(int(vectors.counts.max()), 1))
        for k, name in [(-1, "others"), *enumerate(genres)]:
            rows, color = colored == k, OTHER if k < 0 else SERIES[k]
            x, y = places[rows].T
            plot.scatter(x, y, s=sizes[rows], color=color, lw=0, alpha=0.75, label=name)
        texts = [
            plot.annotate(
                _title(vectors, row), places[row], (0, 5), textcoords="offset points",
                ha="center", fontsize=7.5, color=INK,
            )
            for row in named
        ]  # fmt: skip
        _remove_overlaps(plot, texts)
        plot.grid(visible=False)
        plot.set_xticks([])
        plot.set_yticks([])
        plot.legend(frameon=False, labelcolor=MUTED, ncols=len(genres) + 1, loc="lower right",
                    bbox_to_anchor=(1, 0.995), handletextpad=0, columnspacing=1)  # fmt: skip
        plot.set_xlabel(axes)
        return Picture(figure, f"A map of {len(places)} movies, by {axes}")


def interactive_map(vectors: MovieVectors, places: F64, genres: Sequence[str], path: Path) -> Path:
    """The map as one HTML file that needs no network, with tooltips of title, genres and bias."""
    require("notebooks", "map")
    import plotly.graph_objects as go

    colored, sizes = (
        _by_genre(vectors, genres),
        6 + 14 * np.sqrt(vectors.counts / vectors.counts.max()),
    )
    figure = go.Figure()
    for k, name in [(-1, "others"), *enumerate(genres)]:
        rows = np.flatnonzero(colored == k)
        figure.add_scattergl(
            x=places[rows, 0],
            y=places[rows, 1],
            mode="markers",
            name=name,
            text=[_tooltip(vectors, int(row)) for row in rows],
            hoverinfo="text",
            marker={"size": sizes[rows], "color": OTHER if k < 0 else SERIES[k], "opacity": 0.8},
        )
    hidden = {"visible": False}
    figure.update_layout(
        template="plotly_white", xaxis=hidden, yaxis=hidden, title="Movies by taste"
    )
    write_text(path, figure.to_html(include_plotlyjs=True, full_html=True, div_id="movies"))
    return path


def extremes(vectors: MovieVectors, along: F64, count: int = 8) -> pl.DataFrame:
    """The movies at both ends of a direction. along: (m,) coordinate of each movie."""
    order = np.argsort(along, kind="stable")
    low, high = order[:count], order[::-1][:count]
    return pl.DataFrame(
        {
            "at one end": [_title(vectors, row) for row in low],
            "at the other": [_title(vectors, row) for row in high],
        }
    )


def _by_genre(vectors: MovieVectors, genres: Sequence[str]) -> NDArray[np.int64]:
    """Index of the first of `genres` that each movie has, or -1: (m,)."""
    listed = vectors.table["genres"].to_list() if "genres" in vectors.table.columns else []
    first = [next((k for k, g in enumerate(genres) if g in (own or ())), -1) for own in listed]
    return np.array(first or [-1] * len(vectors.counts), np.int64)


def _title(vectors: MovieVectors, row: int) -> str:
    table = vectors.table
    name = table["title" if "title" in table.columns else "movie"][int(row)]
    return canvas.shortened(str(name), 36)


def _tooltip(vectors: MovieVectors, row: int) -> str:
    genres = vectors.table["genres"].to_list()[row] if "genres" in vectors.table.columns else None
    return (
        f"{escape(_title(vectors, row))}<br>{escape(', '.join(genres or []))}<br>"
        f"{vectors.counts[row]} ratings, bias {vectors.biases[row]:+.2f} stars"
    )


def _remove_overlaps(axes: Axes, texts: list[Annotation]) -> None:
    """Remove each title that overlaps an earlier one or the edge of the plot."""
    axes.autoscale_view()
    inside = axes.get_window_extent()
    boxes: list[BboxBase] = []
    for text in texts:
        box = text.get_window_extent().padded(1)
        if any(box.overlaps(other) for other in boxes) or box.x0 < inside.x0 or box.x1 > inside.x1:
            text.remove()
        else:
            boxes.append(box)
