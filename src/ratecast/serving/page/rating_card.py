"""One movie to rate: the stars, and the forecast, hidden until it was rated or asked for.

A forecast that is seen first sways the rating (Cosley, Lam, Albert, Konstan, Riedl 2003, "Is seeing
believing?").
"""

from collections.abc import Callable

from nicegui import ui

from ratecast.serving.catalogue import Id, Movie
from ratecast.serving.errors import Refusal
from ratecast.serving.page.explanation import why
from ratecast.serving.page.layout import button, link, said, warn
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import Stars, forecast
from ratecast.serving.records import Answer

Then = Callable[[], None]


def facts(movie: Movie) -> str:
    """Year and genres, in one line; the year only where the title does not say it."""
    year = str(movie.year) if movie.year and str(movie.year) not in movie.title else ""
    return " · ".join(filter(None, [year, ", ".join(movie.genres)]))


def path(movie: Id) -> str:
    """Where a movie has its page."""
    from urllib.parse import quote

    return f"/movie/{quote(str(movie), safe='')}"


class Giving:
    """A line of the page. rated: what to do when stars were given or taken back.

    failing: the stars that are shown were not kept.
    """

    def __init__(
        self,
        visitor: Visitor,
        movie: Movie,
        rated: Then,
        skip: Then | None = None,
        bare: bool = False,
    ) -> None:
        """bare: without the title, where that stands above already."""
        self.visitor, self.movie, self._rated = visitor, movie, rated
        self.client = ui.context.client
        self.failing, self.turn = False, 0
        with ui.element("article").classes("giving") as self.place:
            if not bare:
                with ui.element("div").classes("what"):
                    link(movie.title, path(movie.id)).classes("title")
                    said("small", facts(movie))
            with ui.element("div").classes("how"):
                values = visitor.desk.scale.stars.tolist()
                self.stars = Stars(values, f"Stars for {movie.title}", self.give, self.given)
                self.ask = button("Show forecast", self.reveal)
                self.skip = None if skip is None else button("Not seen", skip)
                self.back = button("Take back", self.take_back)
            self.below = ui.element("div").classes("below").props('aria-live="polite"')
        self.draw(None)

    @property
    def given(self) -> float | None:
        """The stars that are in force, None for none."""
        user = self.visitor.user
        if user is None:
            return None
        found = self.visitor.desk.live.of(user).get(self.movie.id)
        return None if found is None else found[0]

    async def give(self, stars: float) -> None:
        """Keep the stars; what was forecast before them is shown beside.

        Of several that are on their way, the last one has the word.
        """
        self.failing = False
        self.turn = turn = self.turn + 1
        self.below.clear()
        try:
            before = self.answer() if self.given is None else None
            self.visitor.house.spend(self.client.ip)
            user = await self.visitor.known()
            await self.visitor.desk.rate(user, self.movie.id, stars)
        except Refusal as error:
            if turn == self.turn:
                self.failed(stars, error)
            return
        if turn == self.turn:
            self.draw(before)
        self._rated()

    async def take_back(self) -> None:
        """Let it be as if the stars had never been given."""
        self.failing = False
        if self.visitor.user is not None:
            try:
                await self.visitor.desk.unrate(self.visitor.user, self.movie.id)
            except Refusal as error:
                warn(error)
            self.draw(None)
            self._rated()

    def answer(self) -> Answer:
        """The forecast as it is now."""
        return self.visitor.desk.predict(self.visitor.asks_as, [self.movie.id])[0]

    def draw(self, before: Answer | None) -> None:
        """The line as it is now. before: what was forecast before the stars were given."""
        given = self.given
        self.stars.show(given)
        self.back.set_visibility(given is not None)
        self.ask.set_visibility(given is None)
        if self.skip is not None:
            self.skip.set_visibility(given is None)
        self.below.clear()
        if before is not None and given is not None:
            with self.below:
                said("span", "The forecast was")
                ui.html(forecast(before), sanitize=False, tag="span")

    def reveal(self) -> None:
        """The forecast, since it was asked for."""
        self.ask.set_visibility(False)
        self.below.clear()
        with self.below:
            said("span", "Forecast")
            ui.html(forecast(self.answer()), sanitize=False, tag="span")
            button("Why?", lambda: why(self.visitor, self.movie))

    def failed(self, stars: float, error: Refusal) -> None:
        """The stars stay where they were put, and can be sent again."""
        self.failing = True
        with self.below:
            said("span", f"Not kept: {error.detail}.").classes("alarm").props('role="alert"')
            button("Try again", lambda: self.give(stars))
