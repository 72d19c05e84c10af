"""Errors of the service that a client sees, each with its HTTP status."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ratecast.serving.catalogue import Movie


class RequestError(Exception):
    """A request that is refused.

    status, title: HTTP status and its short description. detail: what is wrong. field: the name of
    the request field at fault, or None.
    """

    status = 422
    title = "The request is not valid"

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail, self.field = detail, field


class InvalidValueError(RequestError):
    """A value that is not valid for any model or user: HTTP 422."""


class NotFoundError(RequestError):
    """An unknown movie, genre or rating: HTTP 404."""

    status, title = 404, "Not found"


class AmbiguousTitleError(RequestError):
    """A title that may be one of several movies: HTTP 422, with these.

    candidates: their records.
    """

    title = "The title is not that of one movie for certain"

    def __init__(self, detail: str, candidates: "Sequence[Movie]") -> None:
        super().__init__(detail, "title")
        self.candidates = candidates


class UnsupportedError(RequestError):
    """The served model cannot do this, but another model could: HTTP 409."""

    status, title = 409, "The model does not support this"


class ForbiddenError(RequestError):
    """The token does not allow this: HTTP 403."""

    status, title = 403, "Not allowed"


class UnauthorizedError(RequestError):
    """The token is missing: HTTP 401."""

    status, title = 401, "A token is required"


class UnavailableError(RequestError):
    """The service cannot do this now: HTTP 503. seconds: when to retry."""

    status, title, seconds = 503, "Not available now", 2


class RateLimitedError(UnavailableError):
    """Too many requests from one client: HTTP 429."""

    status, title, seconds = 429, "Too many requests", 1
