"""A card to rate one movie. The forecast is hidden until the movie is rated, or on request.

A forecast that is seen first biases the rating (Cosley, Lam, Albert, Konstan, Riedl 2003, "Is
seeing believing?").
"""

from collections.abc import Callable

from nicegui import ui

from ratecast.ids import Id
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import RequestError
from ratecast.serving.item_words import ItemWord
from ratecast.serving.page.explanation import show_explanation
from ratecast.serving.page.layout import button, element, link, warn
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import Stars, forecast, values_of
from ratecast.serving.records import MovieForecast

Then = Callable[[], None]


def facts(movie: Movie) -> str:
    """Year and genres in one line; the year only if the title does not contain it."""
    year = str(movie.year) if movie.year and str(movie.year) not in movie.title else ""
    return " · ".join(filter(None, [year, ", ".join(movie.genres)]))


def path(movie: Id) -> str:
    """Path of the view of a movie."""
    from urllib.parse import quote

    # In the query, because browsers take parts . and .. of a path away.
    return f"/movie?id={quote(str(movie), safe='')}"


class RatingCard:
    """A card with the stars of one movie. failing: the shown stars are not saved."""

    def __init__(
        self,
        visitor: Visitor,
        movie: Movie,
        rated: Then,
        skip: Then | None = None,
        bare: bool = False,
    ) -> None:
        """rated: called after a change. skip: called if it is not known. bare: no title."""
        self.visitor, self.movie, self._rated = visitor, movie, rated
        self.client = ui.context.client
        self.failing, self.attempt = False, 0
        with ui.element("article").classes("rating-card") as self.place:
            if not bare:
                with ui.element("div").classes("what"):
                    link(movie.title, path(movie.id)).classes("title")
                    element("small", facts(movie))
            with ui.element("div").classes("how"):
                values = values_of(visitor.service.scale)
                self.stars = Stars(values, f"Stars for {movie.title}", self.give, self.given)
                unknown = "Not seen" if visitor.items == ItemWord() else "Not known"
                self.show_button = button("Show forecast", self.show_forecast)
                self.skip_button = None if skip is None else button(unknown, skip)
                self.remove_button = button("Remove", self.remove)
            self.below = ui.element("div").classes("below").props('aria-live="polite"')
        self.draw(None)

    @property
    def given(self) -> float | None:
        """The current stars of the visitor, or None."""
        user = self.visitor.user
        if user is None:
            return None
        rating = self.visitor.service.live.ratings_of(user).get(self.movie.id)
        return None if rating is None else rating[0]

    async def give(self, stars: float) -> None:
        """Save the stars, and show the forecast that was made before them.

        Of several concurrent attempts, the last one is shown.
        """
        self.failing = False
        self.attempt = attempt = self.attempt + 1
        self.below.clear()
        try:
            before = self.forecast() if self.given is None else None
            self.visitor.context.limit_rate(self.client.ip)
            user = await self.visitor.ensure_user()
            await self.visitor.service.rate(user, self.movie.id, stars)
        except RequestError as error:
            if attempt == self.attempt:
                self.failed(stars, error)
            return
        if attempt == self.attempt:
            self.draw(before)
        self._rated()

    async def remove(self) -> None:
        """Delete the rating."""
        self.failing = False
        if self.visitor.user is not None:
            try:
                await self.visitor.service.delete_rating(self.visitor.user, self.movie.id)
            except RequestError as error:
                warn(error)
            self.draw(None)
            self._rated()

    def forecast(self) -> MovieForecast:
        """The current forecast."""
        return self.visitor.service.predict(self.visitor.forecast_user, [self.movie.id])[0]

    def draw(self, before: MovieForecast | None) -> None:
        """Update the card. before: the forecast before the rating, or None."""
        given = self.given
        self.stars.show(given)
        self.remove_button.set_visibility(given is not None)
        self.show_button.set_visibility(given is None)
        if self.skip_button is not None:
            self.skip_button.set_visibility(given is None)
        self.below.clear()
        if before is not None and given is not None:
            with self.below:
                element("span", "The forecast was")
                ui.html(forecast(before), sanitize=False, tag="span")

    def show_forecast(self) -> None:
        """Show the forecast on request."""
        self.show_button.set_visibility(False)
        self.below.clear()
        with self.below:
            element("span", "Forecast")
            ui.html(forecast(self.forecast()), sanitize=False, tag="span")
            button("Why?", lambda: show_explanation(self.visitor, self.movie))

    def failed(self, stars: float, error: RequestError) -> None:
        """Keep the stars on the card, and offer to try again."""
        self.failing = True
        with self.below:
            element("span", f"Not saved: {error.detail}.").classes("alarm").props('role="alert"')
            button("Try again", lambda: self.give(stars))
