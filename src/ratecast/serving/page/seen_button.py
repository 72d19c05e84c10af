"""A button that says that a movie was seen without a rating, and takes it back."""

from nicegui import ui

from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import RequestError
from ratecast.serving.item_words import ItemWord
from ratecast.serving.page.layout import button, element, warn
from ratecast.serving.page.session import Visitor
from ratecast.serving.seen import mark_seen, unmark_seen


class SeenButton:
    """Pressed while the movie is marked as seen; not there for a movie that the visitor rated."""

    def __init__(self, visitor: Visitor, movie: Movie) -> None:
        self.visitor, self.movie = visitor, movie
        self.client = ui.context.client
        with ui.element("div").classes("seen") as self.place:
            label = "Seen it" if visitor.items == ItemWord() else "Known"
            self.button = button(label, self.press)
            self.about = element("span", "").props('role="status"')
        self.draw()

    @property
    def seen(self) -> bool:
        """Whether the visitor has marked the movie."""
        user = self.visitor.user
        return user is not None and self.movie.id in self.visitor.service.live.seen.get(user, ())

    async def press(self) -> None:
        """Mark the movie, or take the mark back; durable once it is drawn."""
        service = self.visitor.service
        try:
            self.visitor.context.limit_rate(self.client.ip)
            user = await self.visitor.ensure_user()
            if self.seen:
                await unmark_seen(service, user, self.movie.id)
            else:
                await mark_seen(service, user, self.movie.id)
        except RequestError as error:
            warn(error)
        self.draw()

    def draw(self) -> None:
        """Update the button: after a press, and after a rating was given or removed."""
        user, seen = self.visitor.user, self.seen
        rated = user is not None and self.movie.id in self.visitor.service.live.ratings_of(user)
        self.place.set_visibility(not rated)
        self.button.props(f'aria-pressed="{str(seen).lower()}"')
        self.about.set_text("It is not recommended to you." if seen else "")
