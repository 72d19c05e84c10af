"""The page: rate a few movies and see the forecasts, on the port of the API, without any network.

NiceGUI has one app in a process, so that the page is mounted once in it.
"""

import logging
import warnings
from functools import partial

from fastapi import FastAPI, Request
from nicegui import app as pages
from nicegui import core, ui
from nicegui.client import Client
from nicegui.page import page as Page  # noqa: N812 - it is a class, named like a decorator
from starlette.responses import Response

from ratecast.serving.page import map as chart
from ratecast.serving.page import models, movie, rate, user
from ratecast.serving.page.content_security import Beside, Rules
from ratecast.serving.page.layout import SHEET, STAR, frame, link, said, show
from ratecast.serving.page.session import House

YEAR_SECONDS = 365 * 86_400
RECONNECT_SECONDS = 10.0
# A store that is away is waited for.
ANSWER_SECONDS = 20.0


def mount(app: FastAPI) -> None:
    """Put the page beside the API; it reaches the desk by `app.state.desk`."""
    house = House(app)
    ui.add_head_html(f"<style>{SHEET}</style>", shared=True)
    _views(house)
    pages.add_exception_handler(404, _nothing_here)
    pages.add_middleware(Rules)
    # Only this origin's own documents may open a socket; NiceGUI lets every one.
    core.sio.eio.cors_allowed_origins = None
    logging.getLogger("uvicorn.error").addFilter(_speakable)
    # NiceGUI looks through every object there is, where training left torch, at one that warns.
    warnings.filterwarnings("ignore", r".*torch\.distributed\.reduce_op", FutureWarning)
    ui.run_with(
        app,
        title="ratecast",
        favicon=STAR.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" fill="#e69f00"'),
        dark=None,
        language="en-US",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_SECONDS,
        storage_secret=house.secret,
        session_middleware_kwargs={"max_age": YEAR_SECONDS, "session_cookie": "visitor"},
        show_welcome_message=False,
    )
    mounted = app.router.routes[-1]
    app.router.routes[-1] = Beside(mounted.path, mounted.app)  # type: ignore[attr-defined]


def _views(house: House) -> None:
    maps, page = chart.Maps(), partial(ui.page, response_timeout=ANSWER_SECONDS)

    @page("/")
    async def _rate() -> None:
        await show(house, rate.view, "/", "Rate")

    @page("/user")
    async def _user(id: str | None = None) -> None:  # noqa: A002 - the name in the address
        await show(house, lambda visitor: user.view(visitor, id), "/user", "Users")

    @page("/movie/{id:path}")
    async def _movie(id: str) -> None:  # noqa: A002 - the name in the address
        await show(house, lambda visitor: movie.view(visitor, id), "", "Movie")

    @page("/map")
    async def _map() -> None:
        await show(house, lambda visitor: chart.view(visitor, maps), "/map", "Map")

    @page("/models")
    async def _models() -> None:
        await show(house, models.view, "/models", "Models")


async def _nothing_here(request: Request, _: Exception) -> Response:
    """A page that says that there is none, with the way back."""
    with Client(Page(""), request=request) as client:
        ui.page_title("Not here · ratecast")
        with frame(""), ui.element("section").classes("trouble"):
            said("h1", "Not here")
            said("p", "There is no page at this address.")
            link("Back to the movies", "/").classes("button")
    return client.build_response(request, 404)


def _speakable(record: logging.LogRecord) -> bool:
    """No line for each socket: its address holds what the page's own messages are known by."""
    known = "WebSocket" in str(record.msg) or str(record.msg) in (
        "connection open",
        "connection closed",
    )
    return record.levelno > logging.INFO or not known
