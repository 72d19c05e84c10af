"""What a person gave: to change, to take back, to take along, to delete."""

from collections.abc import Callable
from dataclasses import asdict

import orjson
from nicegui import ui

from ratecast.serving.catalogue import Id
from ratecast.serving.errors import Refusal
from ratecast.serving.page.layout import button, link, said, warn
from ratecast.serving.page.rating_card import path
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import Stars
from ratecast.serving.records import Rated

FIRST = 10


class Own:
    """The section of the first page. changed: what to do when a rating was changed."""

    def __init__(self, visitor: Visitor, changed: Callable[[], None]) -> None:
        self.visitor, self.changed, self.most = visitor, changed, FIRST
        self.client = ui.context.client
        self.lines: dict[Id, tuple[ui.element, Stars]] = {}
        with ui.element("section").classes("own").props('aria-labelledby="own"') as self.place:
            said("h2", "Your ratings").props('id="own"')
            self.none = said("p", "Nothing yet.").classes("muted")
            self.list = ui.element("ul").classes("rated")
            self.all = button("Show all", self._all)
            with ui.element("div").classes("row"):
                button("Download what I gave", self.export)
                button("Delete everything of mine", self.ask_to_forget)

    def draw(self) -> None:
        """The ratings as they are now; what is there keeps its place, new ones come first."""
        user = self.visitor.user
        rated = [] if user is None else self.visitor.desk.ratings(user)
        self.place.set_visibility(bool(rated) or user is not None)
        self.all.set_visibility(len(rated) > self.most)
        self.all.set_text(f"Show all {len(rated)}")
        self.none.set_visibility(not rated)
        shown = rated[: self.most]
        for movie in set(self.lines) - {each.movie.id for each in shown}:
            self.lines.pop(movie)[0].delete()
        fresh = not self.lines
        for each in shown if fresh else reversed(shown):
            if each.movie.id in self.lines:
                self.lines[each.movie.id][1].show(each.stars)
            else:
                with self.list:
                    line = self.lines[each.movie.id] = self._line(each)
                line[0].move(self.list, -1 if fresh else 0)

    def _line(self, rated: Rated) -> tuple[ui.element, Stars]:
        values, movie = self.visitor.desk.scale.stars.tolist(), rated.movie

        async def change(stars: float) -> None:
            await self._tried(lambda user: self.visitor.desk.rate(user, movie.id, stars))

        async def take_back() -> None:
            await self._tried(lambda user: self.visitor.desk.unrate(user, movie.id))

        with ui.element("li") as line:
            link(movie.title, path(movie.id)).classes("title")
            stars = Stars(values, f"Stars for {movie.title}", change, rated.stars)
            press = button("Take back", take_back)
            press.props["aria-label"] = f"Take back the stars for {movie.title}"
        return line, stars

    async def _tried(self, work: Callable[[Id], object]) -> None:
        try:
            self.visitor.house.spend(self.client.ip)
            await work(await self.visitor.known())  # type: ignore[misc]
        except Refusal as error:
            warn(error)
        self.changed()

    def _all(self) -> None:
        self.most = 10**9
        self.draw()

    async def export(self) -> None:
        """The same as the API's export, as a file."""
        if self.visitor.user is None:
            return
        try:
            found = await self.visitor.desk.export(self.visitor.user)
        except Refusal as error:
            warn(error)
            return
        name = f"ratecast-{self.visitor.user}.json"
        ui.download.content(orjson.dumps(asdict(found), option=orjson.OPT_INDENT_2), name)

    def ask_to_forget(self) -> None:
        """Once more, since it cannot be undone."""
        with ui.dialog() as dialog, ui.element("div").classes("sheet"):
            said("h2", "Delete everything?").props('id="forget"')
            said("p", "All your ratings and your number are removed for good; forecasts are those "
                 "of a stranger again.")  # fmt: skip
            with ui.element("div").classes("row"):

                async def forget() -> None:
                    dialog.close()
                    await self.forget()

                button("Delete", forget, quiet=False).classes("danger")
                button("Keep", dialog.close)
        dialog.props('aria-labelledby="forget"').on("hide", dialog.delete)
        dialog.open()

    async def forget(self) -> None:
        """Remove all of it from the store, and the browser's memory of it."""
        user = self.visitor.user
        if user is None:
            return
        try:
            await self.visitor.desk.forget(user)
        except Refusal as error:
            warn(error)
            return
        self.visitor.leave()
        ui.notify("Deleted. Nothing of yours is kept.", type="positive", position="bottom")
        if self.visitor.house.closed:
            ui.navigate.to("/")
        self.changed()
