"""How the map of the movies is drawn: points by genre, and the titles for which there is room."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.serving.catalogue import Movie
from ratecast.serving.page.charts import CARD, FONT, INK, tip

# Of so many famous movies those are named that have room, in shares of the map; on a phone, more.
FAMOUS, WIDE, HIGH, EDGE = 120, 0.18, 0.05, 0.09
NARROW, WIDER, EDGIER = 600, 0.48, 0.2
COLORS = (
    "#3d85c6", "#f0883e", "#d64550", "#8a6fc9", "#e07bb0",
    "#8aa62f", "#2bb5c4", "#e2b61f", "#8d6b55", "#2f9e6e",
)  # fmt: skip
OTHER = "#97a3af"
AXES, NAMES, FOUND = ("xAxisIndex", "yAxisIndex"), "names", "found"


@dataclass(frozen=True)
class Places:
    """Where the movies lie. rows: their lines in the catalogue. at: (n, 2), within [0, 1]."""

    rows: NDArray[np.int64]
    at: NDArray[np.float64]

    def point(self, row: int) -> tuple[float, float]:
        """Of one movie, as it is drawn."""
        x, y = self.at[row].round(4).tolist()
        return x, y


def options(movies: list[Movie], places: Places) -> dict[str, Any]:
    """What ECharts draws: hovered, a point says its title; on a narrow map, fewer titles stand."""
    groups = _groups(movies)
    series = [_genre(name, color, movies, places, rows) for (name, color), rows in groups.items()]
    bare = {"type": "value", "min": -0.02, "max": 1.02, "show": False}
    base = {
        "textStyle": FONT,
        "animation": False,
        "grid": {"left": 0, "right": 0, "top": 70, "bottom": 0},
        "legend": {"top": 8, "left": 8, "textStyle": {"color": INK, "fontSize": 12},
                   "itemWidth": 12, "data": [name for name, _ in groups]},
        "tooltip": tip(),
        "xAxis": bare,
        "yAxis": bare,
        "dataZoom": [{"type": "inside", key: 0, "filterMode": "none"} for key in AXES],
        "series": [*series, _titles(NAMES, 11), _titles(FOUND, 13)],
    }  # fmt: skip
    few, many = (_named(movies, places, *room) for room in ((WIDER, EDGIER), (WIDE, EDGE)))
    return {
        "baseOption": base,
        "media": [
            {"option": _data(NAMES, many)},
            {"query": {"maxWidth": NARROW}, "option": _data(NAMES, few)},
        ],
    }


def marks(movies: list[Movie], places: Places, rows: list[int]) -> dict[str, Any]:
    """What is to be changed in the chart so that these rows are ringed."""
    return _data(FOUND, [_mark(movies, places, row) for row in rows])


def _data(series: str, points: list[dict[str, Any]]) -> dict[str, Any]:
    return {"series": [{"id": series, "data": points}]}


def _groups(movies: list[Movie]) -> dict[tuple[str, str], list[int]]:
    """Rows by name and colour: of the common genres that a movie bears, the least common one."""
    counts = Counter(genre for movie in movies for genre in movie.genres)
    named = [genre for genre, _ in counts.most_common(len(COLORS))]
    groups: dict[tuple[str, str], list[int]] = {("Others", OTHER): []}
    groups |= {key: [] for key in zip(named, COLORS, strict=False)}
    keys = {name: (name, color) for name, color in groups}
    for row, movie in enumerate(movies):
        own = [genre for genre in movie.genres if genre in keys]
        name = min(own, key=lambda genre: counts[genre], default="Others")
        groups[keys[name]].append(row)
    return {key: rows for key, rows in groups.items() if rows}


def _genre(
    name: str, color: str, movies: list[Movie], places: Places, rows: list[int]
) -> dict[str, Any]:
    return {
        "name": name,
        "type": "scatter",
        "itemStyle": {"color": color, "opacity": 0.8},
        "cursor": "pointer",
        "data": [_point(movies, places, row) for row in rows],
    }


def _point(movies: list[Movie], places: Places, row: int) -> dict[str, Any]:
    movie = movies[row]
    said = f"{movie.title} · {', '.join(movie.genres)}" if movie.genres else movie.title
    size = round(5 + 0.8 * float(np.sqrt(movie.seen)) ** 0.85, 1)
    return {"value": places.point(row), "name": said, "symbolSize": min(size, 22)}


def _named(movies: list[Movie], places: Places, wide: float, edge: float) -> list[dict[str, Any]]:
    """The best known, each where no better known one is near, nor the edge."""
    kept: list[int] = []
    for row in sorted(range(len(movies)), key=lambda row: -movies[row].seen)[:FAMOUS]:
        gaps = [np.abs(places.at[row] - places.at[other]) for other in kept]
        inside = edge < places.at[row, 0] < 1 - edge
        if inside and all(gap[0] > wide or gap[1] > HIGH for gap in gaps):
            kept.append(row)
    return [_mark(movies, places, row) for row in kept]


def _titles(series: str, size: int) -> dict[str, Any]:
    """Titles without points of their own; those that were asked for are ringed."""
    ring = {"color": "transparent", "borderColor": INK, "borderWidth": 2.5}
    # Below, since a famous one has its title above already.
    where = "bottom" if series == FOUND else "top"
    label = {"show": True, "position": where, "formatter": "{b}", "color": INK, "fontSize": size}
    label |= {"textBorderColor": CARD, "textBorderWidth": 3}  # To be read above the points.
    drawn = {"symbolSize": 20, "itemStyle": ring} if series == FOUND else {"symbolSize": 0.1}
    return {
        "id": series,
        "type": "scatter",
        "data": [],
        "silent": True,
        "label": label,
        "z": 5,
    } | drawn


def _mark(movies: list[Movie], places: Places, row: int) -> dict[str, Any]:
    title = movies[row].title
    return {"value": places.point(row), "name": title.rpartition(" (")[0] or title}
