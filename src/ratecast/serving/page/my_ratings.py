"""The visitor's ratings: change, remove, download, delete all."""

from collections.abc import Callable
from dataclasses import asdict

import orjson
from nicegui import ui

from ratecast.ids import Id
from ratecast.serving.errors import RequestError
from ratecast.serving.letterboxd_export import letterboxd_csv
from ratecast.serving.page.layout import button, element, link, warn
from ratecast.serving.page.rating_card import path
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import Stars, values_of
from ratecast.serving.records import UserRating

SHOWN = 10
WHAT_STAYS = (
    "Until the next model is trained, the movies keep what they learned from your ratings, and so "
    "do the files of the models that were trained on them. A code made from your number stays, so "
    "that the number is not given again. Copies that the operator made are not changed."
)


class MyRatings:
    """A section of the first view. changed: called after a rating was changed."""

    def __init__(self, visitor: Visitor, changed: Callable[[], None]) -> None:
        self.visitor, self.changed, self.shown_count = visitor, changed, SHOWN
        self.client = ui.context.client
        self.lines: dict[Id, tuple[ui.element, Stars]] = {}
        with (
            ui.element("section").classes("my-ratings").props('aria-labelledby="own"') as self.place
        ):
            element("h2", "Your ratings").props('id="own"')
            self.none = element("p", "No ratings yet.").classes("muted")
            self.list = ui.element("ul").classes("rated")
            self.all = button("Show all", self._all)
            with ui.element("div").classes("row"):
                button("Download my data", self.export)
                button("Download for Letterboxd", self.export_letterboxd)
                button("Delete my data", self.confirm_delete)

    def draw(self) -> None:
        """Show the current ratings; lines that stay keep their place, new ones come first."""
        user = self.visitor.user
        rated = [] if user is None else self.visitor.service.ratings(user)
        self.place.set_visibility(bool(rated) or user is not None)
        self.all.set_visibility(len(rated) > self.shown_count)
        self.all.set_text(f"Show all {len(rated)}")
        self.none.set_visibility(not rated)
        shown = rated[: self.shown_count]
        for movie in set(self.lines) - {each.movie.id for each in shown}:
            self.lines.pop(movie)[0].delete()
        empty = not self.lines
        for each in shown if empty else reversed(shown):
            if each.movie.id in self.lines:
                self.lines[each.movie.id][1].show(each.stars)
            else:
                with self.list:
                    line = self.lines[each.movie.id] = self._line(each)
                line[0].move(self.list, -1 if empty else 0)

    def _line(self, rated: UserRating) -> tuple[ui.element, Stars]:
        values, movie = values_of(self.visitor.service.scale), rated.movie

        async def change(stars: float) -> None:
            await self._attempt(lambda user: self.visitor.service.rate(user, movie.id, stars))

        async def remove() -> None:
            await self._attempt(lambda user: self.visitor.service.delete_rating(user, movie.id))

        with ui.element("li") as line:
            link(movie.title, path(movie.id)).classes("title")
            stars = Stars(values, f"Stars for {movie.title}", change, rated.stars)
            press = button("Remove", remove)
            press.props["aria-label"] = f"Remove the rating of {movie.title}"
        return line, stars

    async def _attempt(self, work: Callable[[Id], object]) -> None:
        try:
            self.visitor.context.limit_rate(self.client.ip)
            await work(await self.visitor.ensure_user())  # type: ignore[misc]
        except RequestError as error:
            warn(error)
        self.changed()

    def _all(self) -> None:
        self.shown_count = 10**9
        self.draw()

    async def export(self) -> None:
        """Download the same data as the API's export."""
        if self.visitor.user is None:
            return
        try:
            data = await self.visitor.service.export(self.visitor.user)
        except RequestError as error:
            warn(error)
            return
        name = f"ratecast-{self.visitor.user}.json"
        ui.download.content(orjson.dumps(asdict(data), option=orjson.OPT_INDENT_2), name)

    def export_letterboxd(self) -> None:
        """Download the ratings as the CSV that Letterboxd imports."""
        if self.visitor.user is None:
            return
        try:
            text = letterboxd_csv(self.visitor.service, self.visitor.user)
        except RequestError as error:
            warn(error)
            return
        ui.download.content(text, "letterboxd.csv")

    def confirm_delete(self) -> None:
        """Ask for confirmation, because it cannot be undone."""
        with ui.dialog() as dialog, ui.element("div").classes("sheet"):
            element("h2", "Delete everything?").props('id="forget"')
            element(
                "p",
                "This removes your ratings and your number for good. You then get the forecasts "
                "for a new user.",
            )
            element("p", self.visitor.items.worded(WHAT_STAYS)).classes("muted")
            with ui.element("div").classes("row"):

                async def forget() -> None:
                    dialog.close()
                    await self.forget()

                button("Delete", forget, quiet=False).classes("danger")
                button("Cancel", dialog.close)
        dialog.props('aria-labelledby="forget"').on("hide", dialog.delete)
        dialog.open()

    async def forget(self) -> None:
        """Delete all data of the visitor from the store, and sign out."""
        user = self.visitor.user
        if user is None:
            return
        try:
            await self.visitor.service.forget(user)
        except RequestError as error:
            warn(error)
            return
        self.visitor.sign_out()
        text = "Your ratings and your number are deleted."
        ui.notify(text, type="positive", position="bottom")
        if self.visitor.context.requires_token:
            ui.navigate.to("/")
        self.changed()
