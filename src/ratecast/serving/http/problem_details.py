"""Errors as problem details (RFC 9457): what is wrong, and which field is to blame."""

import logging
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ratecast.serving.errors import Later, Refusal, Unauthorized

MEDIA = "application/problem+json"
log = logging.getLogger("ratecast.serving")


@dataclass(frozen=True)
class Fault:
    """One field of the request, and what is wrong with it."""

    field: str
    detail: str


@dataclass(frozen=True)
class Problem:
    """Problem details, as RFC 9457 has them; `errors` names the fields."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    errors: list[Fault] = field(default_factory=list)


def install(app: FastAPI) -> None:
    """Let every error of the app be answered as a problem."""
    app.exception_handler(Refusal)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(_broken)


def reply(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The problem as an answer."""
    return Response(orjson.dumps(problem), problem.status, headers, MEDIA)


def refusal(error: Refusal) -> Response:
    """A refusal as an answer."""
    headers = {}
    if isinstance(error, Later):
        headers["Retry-After"] = str(error.seconds)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    faults = [Fault(error.field, error.detail)] if error.field else []
    return reply(Problem(error.title, error.status, error.detail, errors=faults), headers)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refusal(error)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        Fault(".".join(map(str, found["loc"][1:])) or str(found["loc"][0]), found["msg"])
        for found in error.errors()
    ]
    detail = "; ".join(f"{fault.field}: {fault.detail}" for fault in faults[:3])
    return reply(Problem("The request cannot be understood", 422, detail, errors=faults))


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    headers = dict(error.headers or {})
    return reply(Problem(title, error.status_code, str(error.detail)), headers)


async def _broken(request: Request, error: Exception) -> Response:
    log.error("failed", exc_info=error, extra={"facts": {"path": request.url.path}})
    return reply(Problem("The service has a fault", 500, "it was written down; ask again later"))
