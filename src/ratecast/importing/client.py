"""A client of the HTTP API of a running service, for one person at a time."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from ratecast.errors import InputError
from ratecast.ids import Id

WAIT_SECONDS, TIMEOUT_SECONDS = 60.0, 60.0
# Of an address or an id that cannot be sent, too.
TRANSPORT_ERRORS = (UnicodeEncodeError, httpx.HTTPError, httpx.InvalidURL, ValueError)
_LATER = (429, 503)


class RefusedError(InputError):
    """A request that the service refused. status: of HTTP. fields: of the request, at fault."""

    def __init__(self, line: str, status: int, fields: Sequence[str] = ()) -> None:
        super().__init__(line)
        self.status, self.fields = status, tuple(fields)


@dataclass(frozen=True)
class Client:
    """url: of the service, as in http://127.0.0.1:8000. token: of the service or of the user.

    token_option: by which the command takes the token, for messages.
    """

    url: str
    token: str | None = None
    token_option: str = "--token"

    def __post_init__(self) -> None:
        # Without the token in the message, which may be seen by others.
        if self.token is not None and not (self.token.isascii() and self.token.isprintable()):
            raise InputError("token: has letters or lines that no token has; copy it again")

    @classmethod
    def at(cls, address: str, token: str | None = None, option: str = "--token") -> "Client":
        """The client of a service by its address, as in 127.0.0.1:8000 or with http:// before it.

        token: by default that of RATECAST_TOKEN. option: see the class. Raises `InputError` for
        what is no such address.
        """
        url = address if "://" in address else f"http://{address}"
        scheme, _, rest = url.partition("://")
        if scheme not in ("http", "https") or not rest.strip("/"):
            raise InputError(f"{address}: is no address of a service; give http://HOST:PORT")
        return cls(url, token or os.environ.get("RATECAST_TOKEN"), option)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a path under /v1."""
        return self._request("GET", path, params=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON that a path under /v1 gives for a body."""
        return self._request("POST", path, json=body, params=query)

    def of_user(self, user: Id) -> "UserClient":
        """The client of the paths of one user."""
        return UserClient(self, user)

    def _request(self, method: str, path: str, **content: Any) -> Any:
        """Waits where the service is busy. Raises `InputError` for every refusal, in one line."""
        until = time.monotonic() + WAIT_SECONDS
        address = f"{self.url.rstrip('/')}/v1/{path}"
        while True:
            try:
                answer = httpx.request(
                    method, address, headers=self.headers, timeout=TIMEOUT_SECONDS, **content
                )
            except TRANSPORT_ERRORS as error:
                raise self.unreachable(error) from None
            wait = seconds_to_wait(answer)
            if wait is None or time.monotonic() + wait > until:
                return self.content(answer, path)
            time.sleep(wait)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def unreachable(self, error: Exception) -> InputError:
        """What to say of an error before there was an answer."""
        if isinstance(error, UnicodeEncodeError):
            return InputError("user: the id is not in UTF-8; write it in UTF-8")
        return InputError(
            f"{self.url}: no service there ({error}); start one with ratecast serve, and give its "
            "address, as in http://127.0.0.1:8000"
        )

    def content(self, answer: httpx.Response, path: str) -> Any:
        """The JSON of an answer. Raises `InputError` in one line if it is a refusal."""
        try:
            content = answer.json()
        except ValueError:
            content = None
        known = isinstance(content, dict)
        if answer.is_success and known:
            return content
        if answer.status_code in (401, 403):
            raise RefusedError(
                f"{self.url}: {_detail(content)}; give the token of the service or of the user by "
                f"{self.token_option} or RATECAST_TOKEN",
                answer.status_code,
            )
        if not known or (
            answer.status_code == 404 and "errors" in content and not content["errors"]
        ):
            raise InputError(
                f"{self.url}: /v1/{path} is not there, so it is no service of this ratecast; give "
                "the address of ratecast serve"
            )
        fields = [error["field"] for error in content.get("errors", ())]
        line = f"{self.url}: {_detail(content)} (HTTP {answer.status_code})"
        raise RefusedError(line, answer.status_code, fields)


@dataclass(frozen=True)
class UserClient:
    """The paths under /v1/users of one user.

    The id is sent in the query: a path cannot hold the ids `.` and `..`, and proxies change
    slashes in it.
    """

    client: Client
    user: Id

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a path of the user."""
        return self.client.get(f"users/-/{path}", user_id=self.user, **query)

    def post(self, path: str, body: Any) -> Any:
        """The JSON that a path of the user gives for a body."""
        return self.client.post(f"users/-/{path}", body, user_id=self.user)


def seconds_to_wait(answer: httpx.Response) -> float | None:
    """After which a busy service is asked again; None for an answer that stands."""
    if answer.status_code not in _LATER:
        return None
    text = answer.headers.get("retry-after", "")
    return min(float(text), 10.0) if text.isdigit() else 1.0


def _detail(content: Any) -> str:
    detail = content.get("detail") if isinstance(content, dict) else None
    return str(detail or "refused")
