"""The first view: rate movies, and see recommendations."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from ratecast.ids import Id
from ratecast.serving.catalogue import Movie
from ratecast.serving.page.explanation import show_explanation
from ratecast.serving.page.layout import button, element, link
from ratecast.serving.page.my_ratings import MyRatings
from ratecast.serving.page.rating_card import RatingCard, facts, path
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import forecast
from ratecast.serving.page.token_gate import gate
from ratecast.serving.records import MovieForecast

SUGGESTED, LISTED, MATCHES = 5, 8, 6
POLL_SECONDS = 2.0
MIN_CHANGE = 0.05  # in stars; smaller changes are not shown


async def view(visitor: Visitor) -> None:
    """Two columns: movies to rate, and recommendations."""
    if gate(visitor):
        return
    with ui.element("div").classes("hello"):
        element("h1", "How will you rate it?")
        many = visitor.items.many
        text = f"Rate a few {many}. Each rating improves the forecasts for all other {many}."
        element("p", text)
        link("Or bring your ratings from another site", "/import").classes("quiet")
    RateView(visitor)


class RateView:
    """The view. lines: movies to rate. skipped: not seen. before: the forecasts shown last."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.lines: dict[Id, RatingCard] = {}
        self.skipped: set[Id] = set()
        self.before: dict[Id, float] = {}
        self.genre: str | None = None
        with ui.element("div").classes("columns"):
            self._draw_rating_column()
            self._draw_forecast_column()
        self.own = MyRatings(visitor, self.changed)
        self.pill = link("", "#forecasts").classes("pill")
        self._more()
        self.shown_version = self._version()
        self._draw()
        ui.timer(POLL_SECONDS, self._watch)

    def changed(self) -> None:
        """Update everything that depends on the ratings."""
        self.shown_version = self._version()
        for line in self.lines.values():
            if line.stars.given != line.given and not line.failing:
                line.draw(None)
        self._more()
        self._draw()

    def _draw_rating_column(self) -> None:
        with ui.element("section").props('aria-labelledby="rate"'):
            word, many = self.visitor.items.a, self.visitor.items.many
            element("h2", f"Rate {many}").props('id="rate"')
            element(
                "p",
                f"Ratings of these {many} help the model most. The forecast is hidden until you "
                "rate, because it could influence you.",
            ).classes("muted")
            self.search = (
                ui.input(f"Find {word}").props("outlined dense clearable debounce=200 type=search")
            ).classes("search")
            self.search.on_value_change(lambda event: self._find(str(event.value or "")))
            self.found = ui.element("ul").classes("found")
            self.found.props["aria-label"] = f"{many.capitalize()} found"
            self.list = ui.element("div").classes("lines")
            button("Show others", self._others)

    def _draw_forecast_column(self) -> None:
        with ui.element("section").props('id="forecasts" aria-labelledby="recommended"'):
            with ui.element("div").classes("row"):
                element("h2", "You may like").props('id="recommended"')
                if self.visitor.service.genres:
                    self._genres(self.visitor.service.genres)
            self.basis = element("p", "").classes("muted").props('role="status"')
            self.forecasts = ui.element("ol").classes("forecasts")

    def _genres(self, genres: Sequence[str]) -> None:
        def chosen(event: object) -> None:
            wanted = getattr(event, "value", None)
            self.genre = wanted if wanted in self.visitor.service.genres else None
            self._draw()

        names = {"": "All genres"} | {name: name for name in genres}
        choice = ui.select(names, value="", on_change=chosen)
        choice.props('outlined dense options-dense aria-label="Genre"').classes("genres")

    def _find(self, text: str) -> None:
        self.found.clear()
        movies = self.visitor.service.search(text, MATCHES) if text.strip() else []
        with self.found:
            for movie in movies:
                with ui.element("li"), button("", partial(self._pick, movie)):
                    element("span", movie.title)
                    element("small", facts(movie))
            if text.strip() and not movies:
                none = element("li", f"No {self.visitor.items.one} of that name.")
                none.classes("muted").props('role="status"')

    def _pick(self, movie: Movie) -> None:
        self.search.set_value("")
        if movie.id in self.lines:
            self.lines.pop(movie.id).place.delete()
        self._line(movie).place.move(self.list, 0)

    def _line(self, movie: Movie) -> RatingCard:
        def skip() -> None:
            self.skipped.add(movie.id)
            self.lines.pop(movie.id).place.delete()
            self._more()

        with self.list:
            line = self.lines[movie.id] = RatingCard(self.visitor, movie, self.changed, skip)
        return line

    def _more(self) -> None:
        """Add suggestions, so that there are always `SUGGESTED` movies to rate."""
        open_lines = sum(line.given is None for line in self.lines.values())
        if open_lines < SUGGESTED:
            count = SUGGESTED + len(self.lines) + len(self.skipped)
            movies = [
                suggestion.movie
                for suggestion in self.visitor.service.suggest(self.visitor.forecast_user, count)
                if suggestion.movie.id not in self.lines and suggestion.movie.id not in self.skipped
            ]
            for movie in movies[: SUGGESTED - open_lines]:
                self._line(movie)

    def _others(self) -> None:
        for movie, line in list(self.lines.items()):
            if line.given is None:
                self.skipped.add(movie)
                self.lines.pop(movie).place.delete()
        self._more()

    def _draw(self) -> None:
        visitor = self.visitor
        rated = 0 if visitor.user is None else len(visitor.service.live.ratings_of(visitor.user))
        if rated:
            ratings = "your rating" if rated == 1 else f"your {rated} ratings"
            self.basis.set_text(f"From {ratings} and the ratings of all users.")
        else:
            one = self.visitor.items.one
            self.basis.set_text(f"Forecasts for a new user. Rate one {one} to get your own list.")
        self.pill.set_text(f"{rated} rated · see the forecasts" if rated else "See the forecasts")
        listed = visitor.service.recommend(visitor.forecast_user, LISTED, genre=self.genre)
        self.forecasts.clear()
        with self.forecasts:
            for each in listed:
                self._forecast(each)
        self.before = {each.movie.id: each.stars for each in listed}
        self.own.draw()

    def _forecast(self, movie_forecast: MovieForecast) -> None:
        then = self.before.get(movie_forecast.movie.id)
        moved = 0.0 if then is None else movie_forecast.stars - then
        shown = f"{moved:+.1f}" if abs(moved) >= MIN_CHANGE else ""
        mark = f'<em class="{"up" if moved > 0 else "down"}">{shown}</em>'
        line = ui.element("li")
        if self.before and (then is None or abs(moved) >= MIN_CHANGE):
            line.classes("moved")
        with line:
            with ui.element("div").classes("what"):
                link(movie_forecast.movie.title, path(movie_forecast.movie.id)).classes("title")
                element("small", facts(movie_forecast.movie))
            ui.html(forecast(movie_forecast, mark), sanitize=False, tag="span")
            press = button("Why?", lambda: show_explanation(self.visitor, movie_forecast.movie))
            press.props["aria-label"] = f"Why this forecast for {movie_forecast.movie.title}?"

    def _version(self) -> tuple[object, ...]:
        """What the view depends on: the model, the user, and the version of the user's ratings."""
        live, user = self.visitor.service.live, self.visitor.user
        return live.served, user, live.changes.get(user) if user is not None else None

    def _watch(self) -> None:
        """Update after a change in another tab, by the API, or of the model."""
        if self._version() != self.shown_version:
            self.changed()
