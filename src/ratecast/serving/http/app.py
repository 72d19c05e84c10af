"""The application: API, its documentation, page, health checks and metrics on one port."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI, Response

from ratecast.serving.errors import UnavailableError
from ratecast.serving.hot_swap import HotSwap
from ratecast.serving.http import (
    api,
    movies_api,
    openapi,
    problem_details,
    quality,
    questions_api,
)
from ratecast.serving.http.auth import Access
from ratecast.serving.http.direct import DirectRequests
from ratecast.serving.http.forwarded import ForwardedHeaders, Proxies
from ratecast.serving.http.limits import Limits
from ratecast.serving.http.middleware import ServiceMiddleware
from ratecast.serving.http.page_mount import DeferredPage, LoadPage
from ratecast.serving.http.schemas import ServiceStatus, reply
from ratecast.serving.http.v1_router import PROBLEMS
from ratecast.serving.metrics import Metrics
from ratecast.serving.service import RatingService


def create_app(
    hot_swap: HotSwap,
    access: Access,
    limits: Limits | None = None,
    page: LoadPage | None = None,
    proxies: Proxies | None = None,
) -> FastAPI:
    """The app. `app.state.service` is None until the first model is loaded.

    Args:
        hot_swap: loads the models.
        access: checks tokens.
        limits: limits of requests and clients.
        page: imports the page; it is called once the service is ready.
        proxies: those in front whose headers hold.
    """
    metrics = Metrics()
    app = FastAPI(
        title="ratecast",
        description="Rating prediction: expected stars, and the probability of each star.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service, app.state.access, app.state.metrics = None, access, metrics
    app.state.home, app.state.limits = hot_swap.artifacts.home, limits or Limits()
    problem_details.install(app)
    for routes in (api, questions_api, movies_api, quality):
        app.include_router(routes.router)
    metrics.registry.register(quality.QualityCollector(lambda: app.state.service))
    _add_health(app, hot_swap, metrics)
    openapi.install(app)
    mounted = None if page is None else DeferredPage(page, app)
    app.router.lifespan_context = _lifespan(hot_swap, metrics, mounted)
    app.add_middleware(DirectRequests)
    app.add_middleware(ServiceMiddleware, limits=app.state.limits, metrics=metrics)
    # Added last, it is the outermost; `DirectRequests`, added first, the innermost.
    app.add_middleware(ForwardedHeaders, proxies=proxies or Proxies())
    return app


def _lifespan(
    hot_swap: HotSwap, metrics: Metrics, page: DeferredPage | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        def ready(service: RatingService) -> None:
            app.state.service = service
            if page is not None:
                page.begin()

        async with hot_swap.running(ready, metrics):
            yield
            if page is not None:
                await page.close()
        app.state.service = None

    return lifespan


def _add_health(app: FastAPI, hot_swap: HotSwap, metrics: Metrics) -> None:
    @app.get("/healthz", tags=["health"], response_model=ServiceStatus)
    async def health() -> Response:
        """Whether the process is running."""
        return reply(ServiceStatus("alive"))

    @app.get(
        "/readyz", tags=["health"], response_model=ServiceStatus, responses={503: PROBLEMS[503]}
    )
    async def ready() -> Response:
        """Whether a model is loaded, updated with all ratings in the store, and takes more."""
        reason = await hot_swap.trouble()
        if reason is not None:
            raise UnavailableError(reason)
        return reply(ServiceStatus("ready"))

    @app.get("/metrics", include_in_schema=False)
    async def prometheus() -> Response:
        return metrics.page()
