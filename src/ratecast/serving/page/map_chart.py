"""ECharts options of the movie map: points colored by genre, titles without overlap."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.serving.catalogue import Movie
from ratecast.serving.page.charts import CARD, FONT, INK, tip

# Of the FAMOUS most rated movies, those get a title that are WIDE or HIGH away from other titles
# and EDGE from the border, as shares of the map. A map below NARROW pixels uses WIDER and EDGIER.
FAMOUS, WIDE, HIGH, EDGE = 120, 0.18, 0.05, 0.09
NARROW, WIDER, EDGIER = 600, 0.48, 0.2
COLORS = (
    "#3d85c6", "#f0883e", "#d64550", "#8a6fc9", "#e07bb0",
    "#8aa62f", "#2bb5c4", "#e2b61f", "#8d6b55", "#2f9e6e",
)  # fmt: skip
OTHER = "#97a3af"
AXES, NAMES, MATCHES = ("xAxisIndex", "yAxisIndex"), "names", "matches"


@dataclass(frozen=True)
class MapLayout:
    """Positions of movies. rows: lines of the catalogue, (n,). at: within [0, 1], (n, 2)."""

    rows: NDArray[np.int64]
    at: NDArray[np.float64]

    def point(self, row: int) -> tuple[float, float]:
        """Position of one movie, rounded as in the chart."""
        x, y = self.at[row].round(4).tolist()
        return x, y


def options(movies: list[Movie], layout: MapLayout) -> dict[str, Any]:
    """Options of the whole chart; a narrow map shows fewer titles.

    Without genres all points have one color, and there is no legend.
    """
    groups = _groups(movies)
    series = [_genre(name, color, movies, layout, rows) for (name, color), rows in groups.items()]
    bare = {"type": "value", "min": -0.02, "max": 1.02, "show": False}
    base = {
        "textStyle": FONT,
        "animation": False,
        "grid": {"left": 0, "right": 0, "top": 70 if len(groups) > 1 else 8, "bottom": 0},
        "legend": {"show": len(groups) > 1, "top": 8, "left": 8, "itemWidth": 12,
                   "textStyle": {"color": INK, "fontSize": 12},
                   "data": [name for name, _ in groups]},
        "tooltip": tip(),
        "xAxis": bare,
        "yAxis": bare,
        "dataZoom": [{"type": "inside", key: 0, "filterMode": "none"} for key in AXES],
        "series": [*series, _titles(NAMES, 11), _titles(MATCHES, 13)],
    }  # fmt: skip
    few, many = (_named(movies, layout, *room) for room in ((WIDER, EDGIER), (WIDE, EDGE)))
    return {
        "baseOption": base,
        "media": [
            {"option": _data(NAMES, many)},
            {"query": {"maxWidth": NARROW}, "option": _data(NAMES, few)},
        ],
    }


def marks(movies: list[Movie], layout: MapLayout, rows: list[int]) -> dict[str, Any]:
    """The change of the options that draws a ring around these rows."""
    return _data(MATCHES, [_mark(movies, layout, row) for row in rows])


def _data(series: str, points: list[dict[str, Any]]) -> dict[str, Any]:
    return {"series": [{"id": series, "data": points}]}


def _groups(movies: list[Movie]) -> dict[tuple[str, str], list[int]]:
    """(genre, color) to rows: each movie has the rarest of its common genres."""
    counts = Counter(genre for movie in movies for genre in movie.genres)
    named = [genre for genre, _ in counts.most_common(len(COLORS))]
    if not named:
        return {("", COLORS[0]): list(range(len(movies)))}
    groups: dict[tuple[str, str], list[int]] = {("Others", OTHER): []}
    groups |= {key: [] for key in zip(named, COLORS, strict=False)}
    keys = {name: (name, color) for name, color in groups}
    for row, movie in enumerate(movies):
        own = [genre for genre in movie.genres if genre in keys]
        name = min(own, key=lambda genre: counts[genre], default="Others")
        groups[keys[name]].append(row)
    return {key: rows for key, rows in groups.items() if rows}


def _genre(
    name: str, color: str, movies: list[Movie], layout: MapLayout, rows: list[int]
) -> dict[str, Any]:
    return {
        "name": name,
        "type": "scatter",
        "itemStyle": {"color": color, "opacity": 0.8},
        "cursor": "pointer",
        "data": [_point(movies, layout, row) for row in rows],
    }


def _point(movies: list[Movie], layout: MapLayout, row: int) -> dict[str, Any]:
    movie = movies[row]
    label = f"{movie.title} · {', '.join(movie.genres)}" if movie.genres else movie.title
    size = round(5 + 0.8 * float(np.sqrt(movie.seen)) ** 0.85, 1)
    return {"value": layout.point(row), "name": label, "symbolSize": min(size, 22)}


def _named(
    movies: list[Movie], layout: MapLayout, wide: float, edge: float
) -> list[dict[str, Any]]:
    """Titles of the most rated movies that are far enough from other titles and from the border."""
    chosen: list[int] = []
    for row in sorted(range(len(movies)), key=lambda row: -movies[row].seen)[:FAMOUS]:
        gaps = [np.abs(layout.at[row] - layout.at[other]) for other in chosen]
        inside = edge < layout.at[row, 0] < 1 - edge
        if inside and all(gap[0] > wide or gap[1] > HIGH for gap in gaps):
            chosen.append(row)
    return [_mark(movies, layout, row) for row in chosen]


def _titles(series: str, size: int) -> dict[str, Any]:
    """A series of titles without points; the series of search results has rings."""
    ring = {"color": "transparent", "borderColor": INK, "borderWidth": 2.5}
    # Below the point, because a title of the other series may be above it.
    where = "bottom" if series == MATCHES else "top"
    label = {"show": True, "position": where, "formatter": "{b}", "color": INK, "fontSize": size}
    label |= {"textBorderColor": CARD, "textBorderWidth": 3}  # Readable on top of the points.
    drawn = {"symbolSize": 20, "itemStyle": ring} if series == MATCHES else {"symbolSize": 0.1}
    return {
        "id": series,
        "type": "scatter",
        "data": [],
        "silent": True,
        "label": label,
        "z": 5,
    } | drawn


def _mark(movies: list[Movie], layout: MapLayout, row: int) -> dict[str, Any]:
    title = movies[row].title
    return {"value": layout.point(row), "name": title.rpartition(" (")[0] or title}
