"""A user of the data: what they gave, and what would have been forecast before each."""

import datetime
from urllib.parse import quote

import numpy as np
from nicegui import ui

from ratecast.serving.catalogue import Id
from ratecast.serving.errors import Refusal
from ratecast.serving.page.charts import MOST_POINTS, course, errors
from ratecast.serving.page.layout import button, link, said, sentence
from ratecast.serving.page.rating_card import path
from ratecast.serving.page.session import STRANGER, Visitor
from ratecast.serving.user_replay import Hindsight, anybody, hindsight

MOST = 8
ORDER = "Each rating in the order it came; those of one moment are forecast together."
HONEST = (
    "What the movies are like, and the calibration, were learned from all ratings, these included: "
    "the errors are smaller here than in the table of the models."
)


async def view(visitor: Visitor, asked: str | None) -> None:
    """Pick a user; below, what is known of the one who was picked."""
    with ui.element("div").classes("hello"):
        said("h1", "How well is a user forecast?")
        said("p", "Pick somebody of the data: the model hears their ratings one moment after "
             "another, and forecasts each before it hears it.")  # fmt: skip
    token = _pick(visitor, asked)
    place = ui.element("div").props('aria-live="polite"')
    if asked is not None and token is None:
        with place:
            _told(visitor, asked)
    elif asked is not None and token is not None:

        def unlock() -> None:
            place.clear()
            with place:
                _told(visitor, asked, str(token.value or ""))

        token.on("keydown.enter", unlock)
        button("Open", unlock, quiet=False).move(place, 0)


def _pick(visitor: Visitor, asked: str | None) -> ui.input | None:
    """Which user; the field of a token, where one is needed to see that user."""
    mine = asked is not None and asked == str(visitor.user)
    with ui.element("div").classes("row pick"):
        number = ui.input("Number of a user", value=asked or "").props("outlined dense stack-label")

        def go() -> None:
            text = str(number.value or "").strip()
            if text:
                ui.navigate.to(_path(text))

        def draw() -> None:
            found = anybody(visitor.desk)
            if found is not None:
                ui.navigate.to(_path(found))

        number.on("keydown.enter", go)
        button("Show", go, quiet=asked is None and not visitor.house.closed)
        if visitor.house.closed:
            if visitor.user is not None and not mine:
                link("Your own", _path(visitor.user)).classes("quiet")
        else:
            button("Somebody, by chance", draw, quiet=asked is not None)
    if not visitor.house.closed or asked is None or mine:
        return None
    said("p", "This user's ratings open with their token, or the service's.").classes("muted")
    return ui.input("Token", password=True).props("outlined dense")


def _path(user: Id) -> str:
    return f"/user?id={quote(str(user), safe='')}"


def _told(visitor: Visitor, asked: str, token: str | None = None) -> None:
    """What is known of a user, or why it is not shown. token: where one is needed."""
    try:
        who = visitor.desk.live.loaded.user(asked)
        if token is not None:
            visitor.house.access.check(f"Bearer {token}", who)
        _tell(visitor, who)
    except Refusal as error:
        said("p", sentence(error)).classes("alarm").props('role="alert"')


def _tell(visitor: Visitor, who: Id) -> None:
    found = hindsight(visitor.desk, who, STRANGER)
    if not len(found.stars):
        said("p", f"User {who} has no ratings here.").classes("empty")
        return
    _facts(visitor, who, found)
    with ui.element("section").classes("card"):
        said("h2", "Given, and forecast before it")
        n = len(found.stars)
        drawn = f" Drawn are {MOST_POINTS} of the {n}, evenly." if n > MOST_POINTS else ""
        said("p", f"{ORDER}{drawn}").classes("muted")
        course(found, visitor.desk.scale)
    with ui.element("section").classes("card"):
        said("h2", "The error so far")
        said(
            "p",
            "RMSE in stars over all ratings up to each: hearing this user, and as for a stranger.",
        ).classes("muted")
        errors(found)
    with ui.element("section").classes("card"):
        said("h2", "The greatest surprises")
        _surprises(found)
    said("p", HONEST).classes("muted")


def _facts(visitor: Visitor, who: Id, found: Hindsight) -> None:
    n, told = len(found.stars), float(found.rmse(found.forecast)[-1])
    known = visitor.desk.live.loaded.side(who)
    words = ", ".join(str(known[key]) for key in ("age", "gender", "occupation") if key in known)
    said("h2", f"User {who}" + (f" · {words}" if words else ""))
    with ui.element("ul").classes("facts"):
        for number, text in (
            (str(n), "rating" if n == 1 else "ratings"),
            (f"{found.stars.mean():.2f}", "stars on average"),
            (f"{told:.2f}", "RMSE, as heard"),
            (f"{found.rmse(found.blind)[-1]:.2f}", "RMSE, as a stranger"),
        ):
            with ui.element("li"):
                said("b", number)
                said("span", text)


def _surprises(found: Hindsight) -> None:
    gaps = found.stars - found.forecast
    with ui.element("ul").classes("surprises"):
        for row in np.argsort(-np.abs(gaps), kind="stable")[:MOST].tolist():
            with ui.element("li"):
                link(found.movies[row].title, path(found.movies[row].id)).classes("title")
                said("span", f"gave {found.stars[row]:g}, forecast {found.forecast[row]:.1f}")
                said("b", f"{gaps[row]:+.1f}").classes("up" if gaps[row] > 0 else "down")
                said("small", _day(int(found.at[row])))


def _day(at: int) -> str:
    if not at:
        return ""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%d %B %Y").lstrip("0")
