"""The first page: rate a few movies, and see what you may like."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from ratecast.serving.catalogue import Id, Movie
from ratecast.serving.page.explanation import why
from ratecast.serving.page.layout import button, link, said
from ratecast.serving.page.my_ratings import Own
from ratecast.serving.page.rating_card import Giving, facts, path
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import forecast
from ratecast.serving.page.token_gate import gate
from ratecast.serving.records import Answer

ASKED, LISTED, FOUND = 5, 8, 6
LOOK_SECONDS = 2.0
NOBODY_KNOWS = "No movie of that name is known."
SEEN = 0.05


async def view(visitor: Visitor) -> None:
    """Two columns: what to rate, and what is forecast."""
    if gate(visitor):
        return
    with ui.element("div").classes("hello"):
        said("h1", "What will you give it?")
        said("p", "Rate a few movies. With each, the forecasts for all the others get better.")
    Rate(visitor)


class Rate:
    """The view, and what it has asked so far."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.lines: dict[Id, Giving] = {}
        self.skipped: set[Id] = set()
        self.before: dict[Id, float] = {}
        self.genre: str | None = None
        with ui.element("div").classes("columns"):
            self._ask()
            self._tell()
        self.own = Own(visitor, self.changed)
        self.pill = link("", "#forecasts").classes("pill")
        self._more()
        self.drawn = self._now()
        self._draw()
        ui.timer(LOOK_SECONDS, self._watch)

    def changed(self) -> None:
        """Draw anew what hangs on the ratings."""
        self.drawn = self._now()
        for line in self.lines.values():
            if line.stars.given != line.given and not line.failing:
                line.draw(None)
        self._more()
        self._draw()

    def _ask(self) -> None:
        with ui.element("section").props('aria-labelledby="ask"'):
            said("h2", "Rate a few").props('id="ask"')
            said("p", "Of these, your stars would teach the most. The forecast stays hidden until "
                 "you rate or ask, since seeing it would sway you.").classes("muted")  # fmt: skip
            self.search = (
                ui.input("Find a movie").props("outlined dense clearable debounce=200 type=search")
            ).classes("search")
            self.search.on_value_change(lambda event: self._find(str(event.value or "")))
            self.found = ui.element("ul").classes("found").props('aria-label="Movies found"')
            self.list = ui.element("div").classes("lines")
            button("Others, please", self._others)

    def _tell(self) -> None:
        with ui.element("section").props('id="forecasts" aria-labelledby="tell"'):
            with ui.element("div").classes("row"):
                said("h2", "You may like").props('id="tell"')
                if self.visitor.desk.genres:
                    self._genres(self.visitor.desk.genres)
            self.rests = said("p", "").classes("muted").props('role="status"')
            self.forecasts = ui.element("ol").classes("forecasts")

    def _genres(self, genres: Sequence[str]) -> None:
        def chosen(event: object) -> None:
            wanted = getattr(event, "value", None)
            self.genre = wanted if wanted in self.visitor.desk.genres else None
            self._draw()

        names = {"": "All genres"} | {name: name for name in genres}
        choice = ui.select(names, value="", on_change=chosen)
        choice.props('outlined dense options-dense aria-label="Genre"').classes("genres")

    def _find(self, text: str) -> None:
        self.found.clear()
        movies = self.visitor.desk.search(text, FOUND) if text.strip() else []
        with self.found:
            for movie in movies:
                with ui.element("li"), button("", partial(self._pick, movie)):
                    said("span", movie.title)
                    said("small", facts(movie))
            if text.strip() and not movies:
                said("li", NOBODY_KNOWS).classes("muted").props('role="status"')

    def _pick(self, movie: Movie) -> None:
        self.search.set_value("")
        if movie.id in self.lines:
            self.lines.pop(movie.id).place.delete()
        self._line(movie).place.move(self.list, 0)

    def _line(self, movie: Movie) -> Giving:
        def skip() -> None:
            self.skipped.add(movie.id)
            self.lines.pop(movie.id).place.delete()
            self._more()

        with self.list:
            line = self.lines[movie.id] = Giving(self.visitor, movie, self.changed, skip)
        return line

    def _more(self) -> None:
        """Ask on, so that there are always a few that wait for their stars."""
        waiting = sum(line.given is None for line in self.lines.values())
        if waiting < ASKED:
            count = ASKED + len(self.lines) + len(self.skipped)
            left = [
                answer.movie
                for answer in self.visitor.desk.teach(self.visitor.asks_as, count)
                if answer.movie.id not in self.lines and answer.movie.id not in self.skipped
            ]
            for movie in left[: ASKED - waiting]:
                self._line(movie)

    def _others(self) -> None:
        for movie, line in list(self.lines.items()):
            if line.given is None:
                self.skipped.add(movie)
                self.lines.pop(movie).place.delete()
        self._more()

    def _draw(self) -> None:
        visitor = self.visitor
        heard = 0 if visitor.user is None else len(visitor.desk.live.of(visitor.user))
        if heard:
            ratings = "your rating" if heard == 1 else f"your {heard} ratings"
            self.rests.set_text(f"Forecast from {ratings} and those of everybody.")
        else:
            self.rests.set_text("What anybody may like. One rating of yours, and it is your list.")
        self.pill.set_text(f"{heard} rated · see the forecasts" if heard else "See the forecasts")
        listed = visitor.desk.recommend(visitor.asks_as, LISTED, genre=self.genre)
        self.forecasts.clear()
        with self.forecasts:
            for answer in listed:
                self._forecast(answer)
        self.before = {answer.movie.id: answer.stars for answer in listed}
        self.own.draw()

    def _forecast(self, answer: Answer) -> None:
        then = self.before.get(answer.movie.id)
        moved = 0.0 if then is None else answer.stars - then
        shown = f"{moved:+.1f}" if abs(moved) >= SEEN else ""
        mark = f'<em class="{"up" if moved > 0 else "down"}">{shown}</em>'
        item = ui.element("li")
        if self.before and (then is None or abs(moved) >= SEEN):
            item.classes("moved")
        with item:
            with ui.element("div").classes("what"):
                link(answer.movie.title, path(answer.movie.id)).classes("title")
                said("small", facts(answer.movie))
            ui.html(forecast(answer, mark), sanitize=False, tag="span")
            press = button("Why?", lambda: why(self.visitor, answer.movie))
            press.props["aria-label"] = f"Why this forecast for {answer.movie.title}?"

    def _now(self) -> tuple[object, ...]:
        """What the page hangs on: the model, whose page it is, and that user's ratings."""
        live, user = self.visitor.desk.live, self.visitor.user
        return live.loaded, user, live.changes.get(user) if user is not None else None

    def _watch(self) -> None:
        """Follow what happens elsewhere: in another tab, by the API, or a new model."""
        if self._now() != self.drawn:
            self.changed()
