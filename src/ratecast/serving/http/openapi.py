"""/openapi.json, and /docs: Swagger UI from an installed package, without a CDN."""

from importlib import resources

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from ratecast.serving.http.problem_details import Problem

# Addresses relative to /docs, so that they hold under every root path.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ratecast API</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="docs/swagger-ui.css"></head><body>
<div id="ui"></div><script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script></body></html>
"""
START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#ui", deepLinking: true});\n'
_CACHED = {"Cache-Control": "max-age=86400"}


def install(app: FastAPI) -> None:
    """Add /docs and its files, and the OpenAPI description."""
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def page() -> Response:
        return Response(PAGE, media_type="text/html")

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(START, media_type="text/javascript")

    @app.get("/docs/swagger-ui-bundle.js", include_in_schema=False)
    async def script() -> Response:
        return Response(_resource("swagger-ui-bundle.js"), 200, _CACHED, "text/javascript")

    @app.get("/docs/swagger-ui.css", include_in_schema=False)
    async def style() -> Response:
        return Response(_resource("swagger-ui.css"), 200, _CACHED, "text/css")


def _openapi(app: FastAPI) -> dict[str, object]:
    """The OpenAPI description; errors have the schema `Problem` in place of FastAPI's own."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        problem = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
        schemas = document["components"]["schemas"]
        schemas |= problem.pop("$defs", {})
        schemas["Problem"] = problem
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        bearer = {"type": "http", "scheme": "bearer"}
        document["components"]["securitySchemes"] = {"token": bearer}
        document["security"] = [{}, {"token": []}]
        app.openapi_schema = document
    return app.openapi_schema


def _resource(name: str) -> bytes:
    return resources.files("fastapi_swagger").joinpath("resources", name).read_bytes()
