"""The application: the API, its description, the page, and the signs of life, on one port."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from ratecast.serving.errors import Later
from ratecast.serving.hot_swap import Renewal
from ratecast.serving.http import api, openapi, problem_details
from ratecast.serving.http.auth import Access
from ratecast.serving.http.middleware import Front, Limits
from ratecast.serving.http.schemas import State, reply
from ratecast.serving.metrics import Measures
from ratecast.serving.service import Desk

Page = Callable[[FastAPI], None]


def create_app(
    renewal: Renewal, access: Access, limits: Limits | None = None, page: Page | None = None
) -> FastAPI:
    """The service. page: mounts the page on the app; it reaches the desk by `app.state.desk`.

    `app.state.desk` is None until the model is ready.
    """
    measures = Measures()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        def ready(desk: Desk) -> None:
            app.state.desk = desk

        async with renewal.running(ready, measures):
            yield
        app.state.desk = None

    app = FastAPI(
        title="ratecast",
        description="How many stars a user will give a movie, and how sure that is.",
        version="1",
        lifespan=life,
        docs_url=None,
        redoc_url=None,
    )
    app.state.desk, app.state.access, app.state.measures = None, access, measures
    app.state.home, app.state.limits = renewal.shelf.home, limits or Limits()
    problem_details.install(app)
    app.include_router(api.router)
    _signs(app, measures)
    openapi.install(app)
    if page is not None:
        page(app)
    app.add_middleware(Front, limits=app.state.limits, measures=measures)
    return app


def _signs(app: FastAPI, measures: Measures) -> None:
    @app.get("/healthz", tags=["signs of life"], response_model=State)
    async def health() -> Response:
        """Whether the process lives."""
        return reply(State("alive"))

    @app.get(
        "/readyz", tags=["signs of life"], response_model=State, responses={503: api.PROBLEMS[503]}
    )
    async def ready(request: Request) -> Response:
        """Whether the model is loaded and has heard every rating in the store."""
        if request.app.state.desk is None:
            raise Later("the model is being made ready")
        return reply(State("ready"))

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return measures.page()
