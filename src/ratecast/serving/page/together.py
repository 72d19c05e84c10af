"""View for two or more users: the movies that all of them may like, with three numbers."""

from nicegui import ui

from ratecast.ids import Id
from ratecast.queries.together import LEAST_USERS, MEASURES, MOST_USERS, Measure, good_stars
from ratecast.serving.errors import RequestError
from ratecast.serving.page.layout import button, element, link, sentence
from ratecast.serving.page.rating_card import facts, path
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import values_of
from ratecast.serving.page.token_gate import gate
from ratecast.serving.together import MovieTogether, Wish, recommend_together

LISTED, MOST_CHOICES = 20, 25
NAMES: dict[Measure, str] = {
    "chance": "chance for all",
    "mean": "mean stars",
    "least": "lowest stars",
}
HELP = (
    "Choose the people with you. For each movie that none of you has rated: the chance "
    "that each of you gives it at least so many stars, the mean of your expected stars, and the "
    "expected lowest of them."
)
NOTE = "Exact from the probability of each star; given the model, your stars are independent."


async def view(visitor: Visitor) -> None:
    """The group, what is wanted, and the list."""
    if gate(visitor):
        return
    with ui.element("div").classes("hello"):
        element("h1", "What will you all like?")
        element("p", visitor.items.worded(HELP))
    TogetherView(visitor)


class TogetherView:
    """The view. users: the group, the visitor first. drawn: the number of the last list."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.client = visitor, ui.context.client
        self.users: list[Id] = [] if visitor.user is None else [visitor.user]
        self.stars, self.by = good_stars(visitor.service.scale), MEASURES[0]
        self.drawn = 0
        with ui.element("section").classes("card"):
            element("h2", "Who is there?")
            self.group = ui.element("ul").classes("group")
            self._form()
            self.message = element("p", "").classes("alarm").props('role="alert"')
        self._choices()
        self.place = ui.element("div").props('aria-live="polite"')
        self._draw_group()

    def _form(self) -> None:
        with ui.element("div").classes("row pick"):
            number = ui.input("Number of a user").props("outlined dense stack-label")
            token: ui.input | None = None
            if self.visitor.context.requires_token:
                token = ui.input("Token of this user", password=True).props(
                    "outlined dense stack-label"
                )

            async def add() -> None:
                secret = None if token is None else str(token.value or "")
                if self._add(str(number.value or "").strip(), secret):
                    # Before anything is awaited: the next number may be on its way already.
                    number.set_value("")
                    if token is not None:
                        token.set_value("")
                    await self._draw()

            for field in (number, token):
                if field is not None:
                    field.on("keydown.enter", add)
            button("Add", add, quiet=False)

    def _choices(self) -> None:
        async def chosen() -> None:
            self.stars, self.by = float(stars.value or 0), by.value or MEASURES[0]
            await self._draw()

        values = values_of(self.visitor.service.scale)
        step = -(-len(values) // MOST_CHOICES)
        options = sorted({*values[::step], self.stars})
        with ui.element("div").classes("row"):
            names = {value: f"{value:g} ★ or more" for value in options}
            stars = ui.select(names, value=self.stars, on_change=chosen)
            stars.props('outlined dense options-dense aria-label="At least"')
            by = ui.select(dict(NAMES), value=self.by, on_change=chosen)
            by.props('outlined dense options-dense aria-label="Best first by"')

    def _add(self, number: str, token: str | None) -> bool:
        """Add a user to the group, whose token is checked where one is needed."""
        self.message.set_text("")
        try:
            self.visitor.context.limit_rate(self.client.ip)
            user = self.visitor.service.live.served.user(number)
            if token is not None and user != self.visitor.user:
                self.visitor.context.access.check(f"Bearer {token}", user)
        except RequestError as error:
            self.message.set_text(sentence(error))
            return False
        if user not in self.users and len(self.users) < MOST_USERS:
            self.users.append(user)
        self._draw_group()
        return True

    async def _remove(self, user: Id) -> None:
        self.users.remove(user)
        self._draw_group()
        await self._draw()

    def _draw_group(self) -> None:
        self.group.clear()
        with self.group:
            for user in self.users:
                with ui.element("li").classes("row"):
                    own = " (you)" if user == self.visitor.user else ""
                    element("span", f"User {user}{own}")

                    async def remove(user: Id = user) -> None:
                        await self._remove(user)

                    press = button("Remove", remove)
                    press.props["aria-label"] = f"Remove user {user}"

    async def _draw(self) -> None:
        """The list, once there are two; of several at work the last one is shown."""
        self.drawn = number = self.drawn + 1
        found: list[MovieTogether] = []
        if len(self.users) >= LEAST_USERS:
            wish = Wish(self.stars, self.by)
            try:
                found = await recommend_together(self.visitor.service, self.users, wish, LISTED)
            except RequestError as error:
                self.message.set_text(sentence(error))
        if number != self.drawn:
            return
        self.place.clear()
        if found:
            with self.place:
                self._table(found)

    def _table(self, found: list[MovieTogether]) -> None:
        with ui.element("table").classes("together"):
            with ui.element("thead"), ui.element("tr"):
                element("th", self.visitor.items.one)
                for name in NAMES.values():
                    element("th", name)
            with ui.element("tbody"):
                for each in found:
                    with ui.element("tr"):
                        with ui.element("td"):
                            link(each.movie.title, path(each.movie.id)).classes("title")
                            element("small", facts(each.movie))
                        element("td", f"{each.chance:.0%}")
                        element("td", f"{each.mean:.1f}")
                        element("td", f"{each.least:.1f}")
        element("p", NOTE).classes("muted")
