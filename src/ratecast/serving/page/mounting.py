"""The app of the page. NiceGUI has one app per process, so the page can be made only once."""

import logging
import warnings
from functools import partial

from fastapi import FastAPI, Request
from nicegui import app as pages
from nicegui import core, ui
from nicegui.client import Client
from nicegui.page import page as Page  # noqa: N812 - it is a class, named like a decorator
from starlette.responses import Response

from ratecast.serving.item_words import ItemWord
from ratecast.serving.page import importing, models, movie, rate, together, user
from ratecast.serving.page import map as chart
from ratecast.serving.page.content_security import ContentSecurityPolicy
from ratecast.serving.page.layout import SHEET, STAR, element, frame, link, show
from ratecast.serving.page.session import PageContext
from ratecast.serving.page.table_scores import TableScores

YEAR_SECONDS = 365 * 86_400
RECONNECT_SECONDS = 10.0
# How long a view may wait for a store that is not available.
RESPONSE_SECONDS = 20.0


def page_app(api: FastAPI, word: ItemWord | None, scores: TableScores | None) -> FastAPI:
    """The page as an app of its own; it reads the service from `api.state.service`.

    word: what the items are called, if not as the served table says. scores: of a comparison.
    """
    app, context = FastAPI(openapi_url=None), PageContext(api, word, scores)
    ui.add_head_html(f"<style>{SHEET}</style>", shared=True)
    _views(context)
    pages.add_exception_handler(404, partial(_not_found, context))
    pages.add_middleware(ContentSecurityPolicy)
    # Only documents of this origin may open a socket; NiceGUI's default allows all origins.
    core.sio.eio.cors_allowed_origins = None
    logging.getLogger("uvicorn.error").addFilter(_without_socket_lines)
    # NiceGUI inspects all objects; after training, one of torch's warns when it is inspected.
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
        storage_secret=context.secret,
        session_middleware_kwargs={"max_age": YEAR_SECONDS, "session_cookie": "visitor"},
        show_welcome_message=False,
    )
    return app


def _views(context: PageContext) -> None:
    maps, page = chart.Maps(), partial(ui.page, response_timeout=RESPONSE_SECONDS)

    @page("/")
    async def _rate() -> None:
        await show(context, rate.view, "/", "Rate")

    @page("/user")
    async def _user(id: str | None = None) -> None:  # noqa: A002 - the name in the address
        await show(context, lambda visitor: user.view(visitor, id), "/user", "Users")

    @page("/movie")
    @page("/movie/{id:path}")
    async def _movie(id: str) -> None:  # noqa: A002 - the name in the address
        await show(context, lambda visitor: movie.view(visitor, id), "", context.items.title)

    @page("/import")
    async def _import() -> None:
        await show(context, importing.view, "/import", "My export")

    @page("/together")
    async def _together() -> None:
        await show(context, together.view, "/together", "Together")

    @page("/map")
    async def _map() -> None:
        await show(context, lambda visitor: chart.view(visitor, maps), "/map", "Map")

    @page("/models")
    async def _models() -> None:
        await show(context, models.view, "/models", "Models")


async def _not_found(context: PageContext, request: Request, _: Exception) -> Response:
    """The page for an unknown address, with a link back."""
    with Client(Page(""), request=request) as client:
        ui.page_title("Not found · ratecast")
        with frame(""), ui.element("section").classes("trouble"):
            element("h1", "Not found")
            element("p", "There is no page at this address.")
            link(f"Back to the {context.items.many}", "/").classes("button")
    return client.build_response(request, 404)


def _without_socket_lines(record: logging.LogRecord) -> bool:
    """Drop the log line of each socket: its address holds the id that authorises its messages."""
    socket = "WebSocket" in str(record.msg) or str(record.msg) in (
        "connection open",
        "connection closed",
    )
    return record.levelno > logging.INFO or not socket
