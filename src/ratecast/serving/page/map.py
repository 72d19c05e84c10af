"""The map of the movies: t-SNE of their factors, so that similar movies are close."""

import asyncio
import weakref

import numpy as np
from nicegui import ui
from nicegui.events import EChartPointClickEventArguments

from ratecast.queries.movie_map import movie_map
from ratecast.queries.similar import MIN_RATINGS, MovieVectors
from ratecast.serving.catalogue import Movie
from ratecast.serving.live.served_model import ServedModel
from ratecast.serving.page.layout import button, element, link
from ratecast.serving.page.map_chart import MapLayout, marks, options
from ratecast.serving.page.rating_card import path
from ratecast.serving.page.session import Visitor

MAX_MOVIES, STEPS, MAX_MATCHES = 2000, 500, 8
POLL_SECONDS = 0.3
ZOOM_OUT = {
    "type": "dataZoom",
    "batch": [{"dataZoomIndex": axis, "start": 0, "end": 100} for axis in (0, 1)],
}


class Maps:
    """One layout per model, computed in a thread when it is first needed."""

    def __init__(self) -> None:
        self._tasks: weakref.WeakKeyDictionary[ServedModel, asyncio.Task[MapLayout]]
        self._tasks = weakref.WeakKeyDictionary()

    def of(self, served: ServedModel, vectors: MovieVectors) -> asyncio.Task[MapLayout]:
        """The task that computes the layout for this model; a failed one is started again."""
        task = self._tasks.get(served)
        if task is None or (task.done() and task.exception() is not None):
            task = asyncio.create_task(asyncio.to_thread(_compute_layout, vectors))
            self._tasks[served] = task
        return task


def _compute_layout(vectors: MovieVectors) -> MapLayout:
    rows = np.argsort(-vectors.counts, kind="stable")[:MAX_MOVIES]
    rows = rows[vectors.counts[rows] >= min(MIN_RATINGS, int(np.median(vectors.counts[rows])))]
    at = movie_map(vectors.take(rows), steps=STEPS)
    low, high = at.min(axis=0), at.max(axis=0)
    return MapLayout(rows, (at - low) / np.maximum(high - low, 1e-12))


async def view(visitor: Visitor, maps: Maps) -> None:
    """The map, as soon as its layout is computed."""
    served, many = visitor.service.live.served, visitor.items.many
    with ui.element("div").classes("hello"):
        element("h1", f"A map of the {many}")
        element(
            "p",
            f"{many.capitalize()} that the same people like are close to each other. Large "
            "distances have no meaning.",
        )
    if served.vectors is None:
        text = (
            f"The model {served.model.name} has no factors of the {many}, so it cannot say which "
            "of them are alike. Models such as als and state_space have them."
        )
        element("p", text).classes("empty")
        return
    task, place = maps.of(served, served.vectors), ui.element("div")
    if task.done():
        _finish(visitor, served, task, place)
        return
    with place, ui.element("div").classes("waiting map").props('role="status"'):
        ui.spinner(size="2.5em")
        element("p", "Computing the map. This takes a few seconds, once per model.")

    def poll() -> None:
        if task.done():
            timer.cancel()
            _finish(visitor, served, task, place)

    timer = ui.timer(POLL_SECONDS, poll)


def _finish(
    visitor: Visitor, served: ServedModel, task: asyncio.Task[MapLayout], place: ui.element
) -> None:
    place.clear()
    with place:
        if task.exception() is None:
            Chart(visitor, served, task.result())
        else:
            element("p", f"The map could not be computed: {task.exception()}.").classes("empty")


class Chart:
    """The map, and a search above it, which also works without a mouse."""

    def __init__(self, visitor: Visitor, served: ServedModel, layout: MapLayout) -> None:
        self.visitor, self.layout = visitor, layout
        self.movies: list[Movie] = [served.catalogue.movies[row] for row in layout.rows.tolist()]
        self.ids = {layout.point(row): movie.id for row, movie in enumerate(self.movies)}
        word, many = visitor.items.a, visitor.items.many
        search = ui.input(f"Find {word} on the map").classes("search")
        search.props("outlined dense clearable debounce=200")
        search.on_value_change(lambda event: self._find(str(event.value or "")))
        self.near = ui.element("ul").classes("found near")
        self.near.props["aria-label"] = f"{many.capitalize()} found"
        drawn = options(self.movies, layout)
        self.chart = ui.echart(drawn, on_point_click=self._open, renderer="svg")
        self.chart.classes("chart map").props('role="img"')
        self.chart.props["aria-label"] = f"Map of the {many}"
        button(
            "Show the whole map", lambda: self.chart.run_chart_method("dispatchAction", ZOOM_OUT)
        )
        element(
            "p",
            f"{len(self.movies):,} {many}, the most rated of {len(served.catalogue):,}, by "
            "t-SNE of their factors.",
        ).classes("muted")

    def _open(self, event: EChartPointClickEventArguments) -> None:
        at = event.value
        if isinstance(at, list) and (movie := self.ids.get((at[0], at[1]))) is not None:
            ui.navigate.to(path(movie))

    def _find(self, text: str) -> None:
        query = text.strip()
        wanted = (
            {movie.id for movie in self.visitor.service.search(query, MAX_MATCHES)}
            if query
            else set()
        )
        hits = [row for row, movie in enumerate(self.movies) if movie.id in wanted]
        self.chart.run_chart_method("setOption", marks(self.movies, self.layout, hits))
        self.near.clear()
        with self.near:
            for row in hits:
                with ui.element("li"):
                    link(self.movies[row].title, path(self.movies[row].id))
            if query and not hits:
                none = element("li", f"No such {self.visitor.items.one} on the map.")
                none.classes("muted").props('role="status"')
