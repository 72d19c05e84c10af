"""The description of the API as a page, /docs, with Swagger UI from a package: no CDN is asked."""

from importlib import resources

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from ratecast.serving.http.problem_details import Problem

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ratecast API</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/docs/swagger-ui.css"></head><body>
<div id="ui"></div><script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script></body></html>
"""
START = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#ui", deepLinking: true});\n'
_KEPT = {"Cache-Control": "max-age=86400"}


def install(app: FastAPI) -> None:
    """Add /docs and what it shows."""
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def page() -> Response:
        return Response(PAGE, media_type="text/html")

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(START, media_type="text/javascript")

    @app.get("/docs/swagger-ui-bundle.js", include_in_schema=False)
    async def script() -> Response:
        return Response(_resource("swagger-ui-bundle.js"), 200, _KEPT, "text/javascript")

    @app.get("/docs/swagger-ui.css", include_in_schema=False)
    async def style() -> Response:
        return Response(_resource("swagger-ui.css"), 200, _KEPT, "text/css")


def _described(app: FastAPI) -> dict[str, object]:
    """The OpenAPI description; a refused request is a problem, not FastAPI's own form of error."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        form = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
        parts = made["components"]["schemas"]
        parts |= form.pop("$defs", {})
        parts["Problem"] = form
        for name in ("HTTPValidationError", "ValidationError"):
            parts.pop(name, None)
        bearer = {"type": "http", "scheme": "bearer"}
        made["components"]["securitySchemes"] = {"token": bearer}
        made["security"] = [{}, {"token": []}]
        app.openapi_schema = made
    return app.openapi_schema


def _resource(name: str) -> bytes:
    return resources.files("fastapi_swagger").joinpath("resources", name).read_bytes()
