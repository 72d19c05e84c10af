#!/usr/bin/env bash
# FastAPI: include_router keeps the router whole, and a request goes through its routes twice.
# The first pass finds whether the included router has the path, the second, inside it, which of its routes it
# is. The answer is the same, and the time of a request grows faster with the number of routes. `app.routes`
# has one entry for all of them.
# Guess: include_router copies the routes to the app; where a route was declared costs a request nothing.
# Seen: a request for the last of 100 routes asks 100 routes declared on the app, and 200 of an included router.
# Source: https://github.com/fastapi/fastapi/blob/master/fastapi/routing.py (class _IncludedRouter)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet fastapi==0.165.0 starlette==1.10.0 httpx==0.28.1
cat > "$folder/routes.py" <<'END'
import asyncio
import time

import fastapi
import httpx
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

ROUTES, TIMES = 100, 200
asked = 0
matches = APIRoute.matches


def counted(self, scope):
    global asked
    asked += 1
    return matches(self, scope)


def declare(router):
    for number in range(ROUTES):
        router.get(f"/movies{number}/{{movie}}")(lambda movie: movie)
    return router


async def measured(app):
    """Routes that a request for the last one asks, and its microseconds of the processor."""
    transport = httpx.ASGITransport(app=app)
    path = f"/movies{ROUTES - 1}/242"
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        assert (await client.get(path)).json() == "242"
        APIRoute.matches, before = counted, asked
        await client.get(path)
        APIRoute.matches = matches
        start = time.process_time()
        for _ in range(TIMES):
            await client.get(path)
        return asked - before, round((time.process_time() - start) / TIMES * 1e6)


on_app, included = declare(FastAPI(openapi_url=None)), FastAPI(openapi_url=None)
included.include_router(declare(APIRouter()))
for name, app in (("on the app", on_app), ("included", included)):
    count, microseconds = asyncio.run(measured(app))
    print(
        f"FastAPI {fastapi.__version__}, routes {name}: {len(app.routes)} in app.routes, "
        f"{count} asked, {microseconds} us a request"
    )
    assert len(app.routes) == (ROUTES if app is on_app else 1)
    assert count == (ROUTES if app is on_app else 2 * ROUTES)
END
"$folder/venv/bin/python" "$folder/routes.py"
