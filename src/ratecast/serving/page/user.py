"""View of one user: the ratings, and the forecast before each."""

import datetime
from urllib.parse import quote

import numpy as np
from nicegui import ui

from ratecast.ids import Id
from ratecast.serving.errors import RequestError
from ratecast.serving.page.charts import MAX_POINTS, ratings_chart, rmse_chart
from ratecast.serving.page.layout import button, element, link, sentence
from ratecast.serving.page.rating_card import path
from ratecast.serving.page.session import UNKNOWN_USER, Visitor
from ratecast.serving.user_replay import UserReplay, random_user, replay_user

LARGEST = 8
ORDER = "In time order. Ratings with the same timestamp are forecast together."
NOTE = (
    "All other parameters, and the calibration, were learned from all ratings, including these. So "
    "the errors here are smaller than in the table of the models."
)


async def view(visitor: Visitor, user: str | None) -> None:
    """A form to choose a user; below it, the replay of that user."""
    with ui.element("div").classes("hello"):
        element("h1", "How good are the forecasts for one user?")
        element(
            "p",
            "Choose a user of the data. The model forecasts each rating from the user's "
            "earlier ratings.",
        )
    token = _pick(visitor, user)
    place = ui.element("div").props('aria-live="polite"')
    if user is not None and token is None:
        with place:
            _show(visitor, user)
    elif user is not None and token is not None:

        def unlock() -> None:
            place.clear()
            with place:
                _show(visitor, user, str(token.value or ""))

        token.on("keydown.enter", unlock)
        button("Open", unlock, quiet=False).move(place, 0)


def _pick(visitor: Visitor, user: str | None) -> ui.input | None:
    """The form; returns the token field if a token is needed to see this user."""
    own = user is not None and user == str(visitor.user)
    with ui.element("div").classes("row pick"):
        number = ui.input("Number of a user", value=user or "").props("outlined dense stack-label")

        def go() -> None:
            text = str(number.value or "").strip()
            if text:
                ui.navigate.to(_path(text))

        def choose_random() -> None:
            random_id = random_user(visitor.service)
            if random_id is not None:
                ui.navigate.to(_path(random_id))

        number.on("keydown.enter", go)
        button("Show", go, quiet=user is None and not visitor.context.requires_token)
        if visitor.context.requires_token:
            if visitor.user is not None and not own:
                link("My ratings", _path(visitor.user)).classes("quiet")
        else:
            button("Random user", choose_random, quiet=user is not None)
    if not visitor.context.requires_token or user is None or own:
        return None
    element("p", "The token of this user or of the service is required.").classes("muted")
    return ui.input("Token", password=True).props("outlined dense")


def _path(user: Id) -> str:
    return f"/user?id={quote(str(user), safe='')}"


def _show(visitor: Visitor, user: str, token: str | None = None) -> None:
    """The replay of a user, or the error. token: where one is needed."""
    try:
        user_id = visitor.service.live.served.user(user)
        if token is not None:
            visitor.context.access.check(f"Bearer {token}", user_id)
        _show_replay(visitor, user_id)
    except RequestError as error:
        text = visitor.items.worded(sentence(error))
        element("p", text).classes("alarm").props('role="alert"')


def _show_replay(visitor: Visitor, user_id: Id) -> None:
    replay = replay_user(visitor.service, user_id, UNKNOWN_USER)
    if not len(replay.stars):
        element("p", f"User {user_id} has no ratings here.").classes("empty")
        return
    _facts(visitor, user_id, replay)
    with ui.element("section").classes("card"):
        element("h2", "Ratings, and the forecast before each")
        n = len(replay.stars)
        drawn = f" The chart shows {MAX_POINTS} of the {n}." if n > MAX_POINTS else ""
        element("p", f"{ORDER}{drawn}").classes("muted")
        ratings_chart(replay, visitor.service.scale)
    with ui.element("section").classes("card"):
        element("h2", "Running error")
        element(
            "p",
            "RMSE in stars over the ratings so far: with this user's earlier ratings, and as for a "
            "new user.",
        ).classes("muted")
        rmse_chart(replay)
    with ui.element("section").classes("card"):
        element("h2", "The largest residuals")
        _residuals(replay)
    element("p", NOTE).classes("muted")


def _facts(visitor: Visitor, user_id: Id, replay: UserReplay) -> None:
    n, rmse = len(replay.stars), float(replay.rmse(replay.forecast)[-1])
    known = visitor.service.live.served.side_information(user_id)
    words = ", ".join(str(known[key]) for key in ("age", "gender", "occupation") if key in known)
    element("h2", f"User {user_id}" + (f" · {words}" if words else ""))
    with ui.element("ul").classes("facts"):
        for number, text in (
            (str(n), "rating" if n == 1 else "ratings"),
            (f"{replay.stars.mean():.2f}", "stars on average"),
            (f"{rmse:.2f}", "RMSE, with earlier ratings"),
            (f"{replay.rmse(replay.as_new_user)[-1]:.2f}", "RMSE, as a new user"),
        ):
            with ui.element("li"):
                element("b", number)
                element("span", text)


def _residuals(replay: UserReplay) -> None:
    residuals = replay.stars - replay.forecast
    with ui.element("ul").classes("residuals"):
        for row in np.argsort(-np.abs(residuals), kind="stable")[:LARGEST].tolist():
            with ui.element("li"):
                link(replay.movies[row].title, path(replay.movies[row].id)).classes("title")
                element("span", f"rated {replay.stars[row]:g}, forecast {replay.forecast[row]:.1f}")
                element("b", f"{residuals[row]:+.1f}").classes(
                    "up" if residuals[row] > 0 else "down"
                )
                element("small", _day(int(replay.at[row])))


def _day(at: int) -> str:
    if not at:
        return ""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%d %B %Y").lstrip("0")
