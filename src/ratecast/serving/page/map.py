"""The map of the movies: those liked by the same people lie together."""

import asyncio
import weakref

import numpy as np
from nicegui import ui
from nicegui.events import EChartPointClickEventArguments

from ratecast.queries.movie_map import movie_map
from ratecast.queries.similar import MIN_RATINGS, MovieVectors
from ratecast.serving.catalogue import Movie
from ratecast.serving.live.served_model import Loaded
from ratecast.serving.page.layout import button, link, said
from ratecast.serving.page.map_chart import Places, marks, options
from ratecast.serving.page.rating_card import path
from ratecast.serving.page.session import Visitor

MOST, STEPS, NEAR = 2000, 500, 8
LOOK_SECONDS = 0.3
WHOLE = {
    "type": "dataZoom",
    "batch": [{"dataZoomIndex": axis, "start": 0, "end": 100} for axis in (0, 1)],
}


class Maps:
    """One map for each model, made once, in a thread, by whoever asks first."""

    def __init__(self) -> None:
        self._made: weakref.WeakKeyDictionary[Loaded, asyncio.Task[Places]]
        self._made = weakref.WeakKeyDictionary()

    def of(self, loaded: Loaded, vectors: MovieVectors) -> asyncio.Task[Places]:
        """The map of this model, or the promise of it; one that failed is tried again."""
        made = self._made.get(loaded)
        if made is None or (made.done() and made.exception() is not None):
            made = asyncio.create_task(asyncio.to_thread(_laid_out, vectors))
            self._made[loaded] = made
        return made


def _laid_out(vectors: MovieVectors) -> Places:
    rows = np.argsort(-vectors.counts, kind="stable")[:MOST]
    rows = rows[vectors.counts[rows] >= min(MIN_RATINGS, int(np.median(vectors.counts[rows])))]
    at = movie_map(vectors.take(rows), steps=STEPS)
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
    task, place = maps.of(loaded, loaded.vectors), ui.element("div")
    if task.done():
        _finish(visitor, loaded, task, place)
        return
    with place, ui.element("div").classes("waiting map").props('role="status"'):
        ui.spinner(size="2.5em")
        said("p", "The map is being laid out: a few seconds, once for each model.")

    def look() -> None:
        if task.done():
            timer.cancel()
            _finish(visitor, loaded, task, place)

    timer = ui.timer(LOOK_SECONDS, look)


def _finish(
    visitor: Visitor, loaded: Loaded, task: asyncio.Task[Places], place: ui.element
) -> None:
    place.clear()
    with place:
        if task.exception() is None:
            Chart(visitor, loaded, task.result())
        else:
            said("p", f"The map cannot be laid out: {task.exception()}.").classes("empty")


class Chart:
    """The map, and above it a search, which is also the way for who cannot point at it."""

    def __init__(self, visitor: Visitor, loaded: Loaded, places: Places) -> None:
        self.visitor, self.places = visitor, places
        self.movies: list[Movie] = [loaded.catalogue.movies[row] for row in places.rows.tolist()]
        self.ids = {places.point(row): movie.id for row, movie in enumerate(self.movies)}
        search = ui.input("Find a movie on the map").classes("search")
        search.props("outlined dense clearable debounce=200")
        search.on_value_change(lambda event: self._find(str(event.value or "")))
        self.near = ui.element("ul").classes("found near").props('aria-label="Movies found"')
        drawn = options(self.movies, places)
        self.chart = ui.echart(drawn, on_point_click=self._open, renderer="svg")
        self.chart.classes("chart map").props('role="img" aria-label="Map of the movies"')
        button("Show it whole", lambda: self.chart.run_chart_method("dispatchAction", WHOLE))
        said("p", f"{len(self.movies):,} movies, the most rated of {len(loaded.catalogue):,}, by "
             "t-SNE of their vectors.").classes("muted")  # fmt: skip

    def _open(self, event: EChartPointClickEventArguments) -> None:
        at = event.value
        if isinstance(at, list) and (movie := self.ids.get((at[0], at[1]))) is not None:
            ui.navigate.to(path(movie))

    def _find(self, text: str) -> None:
        asked = text.strip()
        wanted = {movie.id for movie in self.visitor.desk.search(asked, NEAR)} if asked else set()
        hits = [row for row, movie in enumerate(self.movies) if movie.id in wanted]
        self.chart.run_chart_method("setOption", marks(self.movies, self.places, hits))
        self.near.clear()
        with self.near:
            for row in hits:
                with ui.element("li"):
                    link(self.movies[row].title, path(self.movies[row].id))
            if asked and not hits:
                said("li", "Not on the map.").classes("muted").props('role="status"')
