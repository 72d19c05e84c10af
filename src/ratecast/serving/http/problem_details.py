"""Errors as problem details (RFC 9457): what is wrong, and which field is at fault."""

import logging
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import (
    AmbiguousTitleError,
    RequestError,
    UnauthorizedError,
    UnavailableError,
)
from ratecast.serving.http.field_faults import fault, field_of, joined, unread

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("ratecast.serving")


@dataclass(frozen=True)
class FieldError:
    """One field of the request, and what is wrong with it."""

    field: str
    detail: str


@dataclass(frozen=True)
class Problem:
    """Problem details (RFC 9457). errors: the fields at fault."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    errors: list[FieldError] = field(default_factory=list)


@dataclass(frozen=True)
class AmbiguousTitle(Problem):
    """The problem of a title that may be one of several movies, which `candidates` names."""

    candidates: list[Movie] = field(default_factory=list)


def install(app: FastAPI) -> None:
    """Register handlers that turn every error of the app into problem details."""
    app.exception_handler(RequestError)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(Exception)(_internal)


def reply(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The problem as an HTTP response."""
    return Response(orjson.dumps(problem), problem.status, headers, MEDIA_TYPE)


def error_response(error: RequestError) -> Response:
    """A request error as an HTTP response."""
    headers = {}
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(error.seconds)
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = "Bearer"
    fields = [FieldError(error.field, error.detail)] if error.field else []
    problem = Problem(error.title, error.status, error.detail, errors=fields)
    if isinstance(error, AmbiguousTitleError):
        problem = AmbiguousTitle(**vars(problem), candidates=list(error.candidates))
    return reply(problem, headers)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return error_response(error)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _invalid_fields([FieldError(field_of(item), fault(item)) for item in error.errors()])


def _invalid_fields(fields: list[FieldError]) -> Response:
    detail = joined([f"{each.field}: {each.detail}" for each in fields])
    return reply(Problem(RequestError.title, 422, detail, errors=fields))


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if (detail := unread(error.__cause__)) is not None:
        return _invalid_fields([FieldError("body", detail)])
    title = HTTPStatus(error.status_code).phrase
    headers = dict(error.headers or {})
    return reply(Problem(title, error.status_code, str(error.detail)), headers)


async def _internal(request: Request, error: Exception) -> Response:
    log.error("request failed", exc_info=error, extra={"facts": {"path": request.url.path}})
    return reply(Problem("Internal error", 500, "the error was logged; try again later"))
