"""The requests that come many times a second, answered without FastAPI's steps.

FastAPI takes 0.2 ms to find a route, its dependencies and its parameters: longer than the forecast
itself. Here a request is taken only in its plainest form: ids of plain characters, parameters in
one order, a body that is valid. Every other one, and so every fault in a request, goes to FastAPI,
whose endpoints give the same responses by the same functions.
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratecast.serving.errors import RequestError
from ratecast.serving.http import api
from ratecast.serving.http.problem_details import error_response
from ratecast.serving.http.schemas import NewRating, NewStars, RequestBody, reply

_ID = r"[A-Za-z0-9_.~-]{1,64}"
_NO_FILTER = api.Filter(None, None, None)
_JSON = b"application/json"

Respond = Callable[[Request, tuple[str, ...], RequestBody | None], Awaitable[Response]]


async def _predict(request: Request, given: tuple[str, ...], _: RequestBody | None) -> Response:
    user, movies = given
    # "&movie=1&movie=2"
    return reply(api.predicted(request, user, movies.split("&movie=")[1:]))


async def _recommend(request: Request, given: tuple[str, ...], _: RequestBody | None) -> Response:
    user, count = await api.user_in_path(request, given[0]), int(given[1] or 10)
    return reply(api.recommended(api.ready_service(request), user, count, _NO_FILTER, None))


async def _rate(request: Request, given: tuple[str, ...], body: RequestBody | None) -> Response:
    assert isinstance(body, NewRating)
    user = await api.user_in_path(request, given[0])
    return reply(await api.ready_service(request).rate(user, body.movie, body.stars), 201)


async def _set_rating(
    request: Request, given: tuple[str, ...], body: RequestBody | None
) -> Response:
    assert isinstance(body, NewStars)
    user, movie = await api.user_in_path(request, given[0]), given[1]
    return reply(await api.ready_service(request).rate(user, movie, body.stars))


@dataclass(frozen=True)
class _Direct:
    """One kind of request. form: of path and query, with the parameters as groups."""

    form: re.Pattern[str]
    endpoint: Callable[..., object]
    respond: Respond
    body: type[RequestBody] | None = None


def _direct(form: str, *rest: object) -> _Direct:
    return _Direct(re.compile(form.replace("{id}", f"({_ID})")), *rest)  # type: ignore[arg-type]


_COUNT = "(?:n=([1-9][0-9]?|100))?"
_BY_METHOD = {
    "GET": [
        _direct(rf"/v1/predict\?user={{id}}((?:&movie={_ID}){{1,100}})", api.predict, _predict),
        _direct(rf"/v1/users/{{id}}/recommendations\?{_COUNT}", api.recommend, _recommend),
    ],
    "POST": [_direct(r"/v1/users/{id}/ratings\?", api.rate, _rate, NewRating)],
    "PUT": [_direct(r"/v1/users/{id}/ratings/{id}\?", api.set_rating, _set_rating, NewStars)],
}
# As FastAPI puts it into the scope, for metrics and log.
_ROUTES = {getattr(route, "endpoint", None): route for route in api.router.routes}


class DirectRequests:
    """ASGI middleware, the innermost: answers what has the plainest form, and passes on the rest.

    It gets the path with the root path, percent-encoded.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or call the app."""
        if scope["type"] == "http" and scope["method"] in _BY_METHOD:
            address = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
            address = address.removeprefix(scope.get("root_path", ""))
            for kind in _BY_METHOD[scope["method"]]:
                if found := kind.form.fullmatch(address):
                    return await self._answer(kind, found.groups(), (scope, receive, send))
        return await self.app(scope, receive, send)

    async def _answer(
        self, kind: _Direct, given: tuple[str, ...], call: tuple[Scope, Receive, Send]
    ) -> None:
        scope, receive, send = call
        body = None
        if kind.body is not None:
            if not _has_json(scope):
                return await self.app(scope, receive, send)
            read = await _read(receive)
            body = _parsed(read, kind.body)
            if body is None:
                return await self.app(scope, _again(read, receive), send)
        scope["route"] = _ROUTES[kind.endpoint]
        try:
            response = await kind.respond(Request(scope, receive), given, body)
        except RequestError as error:
            response = error_response(error)
        return await response(scope, receive, send)


def _has_json(scope: Scope) -> bool:
    """Whether the body is JSON by its header, and of a length that the limit has let through."""
    headers = dict(scope["headers"])
    return headers.get(b"content-type") == _JSON and b"content-length" in headers


async def _read(receive: Receive) -> list[Message]:
    """The messages of the body, or those before the client left."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _parsed(messages: list[Message], model: type[RequestBody]) -> RequestBody | None:
    """The body; None if it is not valid, or not whole."""
    if messages[-1]["type"] != "http.request":
        return None
    try:
        return model.model_validate(json.loads(b"".join(each["body"] for each in messages)))
    except (ValueError, RecursionError, ValidationError):
        return None


def _again(messages: list[Message], receive: Receive) -> Receive:
    """`receive` from the first message on."""
    left = iter(messages)

    async def from_start() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return from_start
