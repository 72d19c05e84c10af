"""Errors as problem details (RFC 9457): what is wrong, and which field is at fault."""

import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

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

MEDIA_TYPE = "application/problem+json"
_NO_NUMBER, _NO_WHOLE, _NO_OBJECT = (
    "is no number; write one",
    "is no whole number; write one",
    "is no JSON object; write one in braces, and send Content-Type: application/json",
)
# By the type of pydantic's error; the numbers are those of its context.
_FAULTS = {
    "missing": "is missing; add it",
    "extra_forbidden": "is no field here; remove it",
    "int_type": _NO_WHOLE,
    "int_parsing": _NO_WHOLE,
    "float_type": _NO_NUMBER,
    "finite_number": _NO_NUMBER,
    "string_type": "is no text; write it in quotes",
    "list_type": "is no list; write one, in brackets",
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "json_invalid": "is no JSON ({error}); correct it",
    "string_too_short": "is empty; write {min_length} character or more",
    "string_too_long": "is too long; write at most {max_length} characters",
    "too_short": "is empty; give {min_length} entry or more",
    "too_long": "has too many entries; give at most {max_length}",
    "greater_than_equal": "is too low; give {ge} or more",
    "less_than_equal": "is too high; give {le} or less",
}
_MOST_NAMED = 3
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
    fields = [
        FieldError(".".join(map(str, item["loc"][1:])) or str(item["loc"][0]), _fault(item))
        for item in error.errors()
    ]
    detail = "; ".join(f"{each.field}: {each.detail}" for each in fields[:_MOST_NAMED])
    detail += f"; and {len(fields) - _MOST_NAMED} more" if len(fields) > _MOST_NAMED else ""
    return reply(Problem(RequestError.title, 422, detail, errors=fields))


def _fault(item: dict[str, Any]) -> str:
    """What is wrong with a value, and what to do, in one line."""
    known = _FAULTS.get(item["type"])
    return known.format(**item.get("ctx", {})) if known else " ".join(str(item["msg"]).split())


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    headers = dict(error.headers or {})
    return reply(Problem(title, error.status_code, str(error.detail)), headers)


async def _internal(request: Request, error: Exception) -> Response:
    log.error("request failed", exc_info=error, extra={"facts": {"path": request.url.path}})
    return reply(Problem("Internal error", 500, "the error was logged; try again later"))
