"""The map of the movies: those liked by the same people lie together."""

import asyncio
import weakref
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from nicegui import ui
from nicegui.events import EChartPointClickEventArguments
from numpy.typing import NDArray

from ratecast.models.flat import flat_map
from ratecast.models.likeness import LEAST, MovieVectors
from ratecast.serving.catalogue import Movie
from ratecast.serving.loaded import Loaded
from ratecast.serving.page.charts import FONT, INK, tip
from ratecast.serving.page.giving import path
from ratecast.serving.page.shell import button, link, said
from ratecast.serving.page.visitor import Visitor

MOST, STEPS, NEAR = 2000, 500, 8
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


class Maps:
    """One map for each model, made once, in a thread, by whoever asks first."""

    def __init__(self) -> None:
        self._made: weakref.WeakKeyDictionary[Loaded, asyncio.Task[Places]]
        self._made = weakref.WeakKeyDictionary()

    def of(self, loaded: Loaded, vectors: MovieVectors) -> asyncio.Task[Places]:
        """The map of this model, or the promise of it."""
        if loaded not in self._made or (
            self._made[loaded].done() and self._made[loaded].exception() is not None
        ):
            self._made[loaded] = asyncio.create_task(asyncio.to_thread(_laid_out, vectors))
        return self._made[loaded]


def _laid_out(vectors: MovieVectors) -> Places:
    rows = np.argsort(-vectors.seen, kind="stable")[:MOST]
    rows = rows[vectors.seen[rows] >= min(LEAST, int(np.median(vectors.seen[rows])))]
    at = flat_map(vectors.taken(rows), steps=STEPS)
    low, high = at.min(axis=0), at.max(axis=0)
    return Places(rows, (at - low) / np.maximum(high - low, 1e-12))


async def view(visitor: Visitor, maps: Maps) -> None:
    """The map, as soon as it is laid out."""
    loaded = visitor.desk.live.loaded
    with ui.element("div").classes("hello"):
        said("h1", "A map of the movies")
        said("p", "Movies that the same people like lie together. What is near is alike; how far "
             "apart two distant ones are means nothing.")  # fmt: skip
    if loaded.vectors is None:
        said("p", f"The model {loaded.model.name} has no vectors of movies.").classes("empty")
        return
    task = maps.of(loaded, loaded.vectors)
    place = ui.element("div")
    if task.done():
        with place:
            _draw(visitor, loaded, task.result())
        return
    with place, ui.element("div").classes("waiting map").props('role="status"'):
        ui.spinner(size="2.5em")
        said("p", "The map is being laid out: a few seconds, once for each model.")

    def look() -> None:
        if task.done():
            timer.cancel()
            place.clear()
            with place:
                if task.exception() is None:
                    _draw(visitor, loaded, task.result())
                else:
                    said("p", f"The map cannot be laid out: {task.exception()}.").classes("empty")

    timer = ui.timer(0.3, look)


def _draw(visitor: Visitor, loaded: Loaded, places: Places) -> None:
    movies = [loaded.catalogue.movies[row] for row in places.rows.tolist()]
    search = ui.input("Find a movie on the map").props("outlined dense clearable debounce=200")
    search.classes("search")
    near = ui.element("ul").classes("found near").props('aria-live="polite" aria-label="Found"')
    options = _options(movies, places)
    ids = {(round(float(x), 4), round(float(y), 4)): movie.id
           for movie, (x, y) in zip(movies, places.at, strict=True)}  # fmt: skip

    def go(event: EChartPointClickEventArguments) -> None:
        value = event.value
        if isinstance(value, list) and (movie := ids.get((value[0], value[1]))) is not None:
            ui.navigate.to(path(movie))

    chart = ui.echart(options, on_point_click=go, renderer="svg").classes("chart map")
    chart.props(
        'role="img" aria-label="Map of the movies; the search above finds one by its title"'
    )

    def find(text: str) -> None:
        near.clear()
        wanted = {movie.id for movie in visitor.desk.search(text, NEAR)} if text.strip() else set()
        hits = [k for k, movie in enumerate(movies) if movie.id in wanted]
        marks = _data(FOUND, [_mark(movies[k], places.at[k]) for k in hits])
        chart.run_chart_method("setOption", marks)
        with near:
            for k in hits:
                with ui.element("li"):
                    link(movies[k].title, path(movies[k].id))
            if text.strip() and not hits:
                said("li", "Not on the map.").classes("muted")

    search.on_value_change(lambda event: find(str(event.value or "")))
    button("Show it whole", lambda: chart.run_chart_method("dispatchAction", {
        "type": "dataZoom", "batch": [{"dataZoomIndex": k, "start": 0, "end": 100} for k in (0, 1)],
    }))  # fmt: skip
    said("p", f"{len(movies):,} movies, the most rated of {len(loaded.catalogue):,}, by t-SNE of "
         "their vectors.").classes("muted")  # fmt: skip


def _options(movies: list[Movie], places: Places) -> dict[str, Any]:
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
        "data": [_point(movies[row], places.at[row]) for row in rows],
    }


def _point(movie: Movie, at: NDArray[np.float64]) -> dict[str, Any]:
    said = f"{movie.title} · {', '.join(movie.genres)}" if movie.genres else movie.title
    size = round(5 + 0.8 * float(np.sqrt(movie.seen)) ** 0.85, 1)
    return {"value": [round(float(at[0]), 4), round(float(at[1]), 4)], "name": said,
            "symbolSize": min(size, 22)}  # fmt: skip


def _named(movies: list[Movie], places: Places, wide: float, edge: float) -> list[dict[str, Any]]:
    """The best known, each where no better known one is near, nor the edge."""
    kept: list[int] = []
    for row in sorted(range(len(movies)), key=lambda row: -movies[row].seen)[:FAMOUS]:
        gaps = [np.abs(places.at[row] - places.at[other]) for other in kept]
        inside = edge < places.at[row, 0] < 1 - edge
        if inside and all(gap[0] > wide or gap[1] > HIGH for gap in gaps):
            kept.append(row)
    return [_mark(movies[row], places.at[row]) for row in kept]


def _titles(series: str, size: int) -> dict[str, Any]:
    """Titles without points of their own; those that were asked for are ringed."""
    ring = {"color": "transparent", "borderColor": INK, "borderWidth": 2.5}
    # Below, since a famous one has its title above already.
    where = "bottom" if series == FOUND else "top"
    label = {"show": True, "position": where, "formatter": "{b}", "color": INK, "fontSize": size}
    drawn = {"symbolSize": 20, "itemStyle": ring} if series == FOUND else {"symbolSize": 0.1}
    return {
        "id": series,
        "type": "scatter",
        "data": [],
        "silent": True,
        "label": label,
        "z": 5,
    } | drawn


def _mark(movie: Movie, at: NDArray[np.float64]) -> dict[str, Any]:
    name = movie.title.rpartition(" (")[0] or movie.title
    return {"value": [round(float(at[0]), 4), round(float(at[1]), 4)], "name": name}
