"""A client of the HTTP API of a running service, for one person at a time."""

import os
import time
from dataclasses import dataclass
from typing import Any

import httpx

from ratecast.errors import InputError
from ratecast.ids import Id

WAIT_SECONDS, TIMEOUT_SECONDS = 60.0, 60.0
_LATER = (429, 503)


@dataclass(frozen=True)
class Client:
    """url: of the service, as in http://127.0.0.1:8000. token: of the service or of the user."""

    url: str
    token: str | None = None

    def __post_init__(self) -> None:
        # Without the token in the message, which may be seen by others.
        if self.token is not None and not (self.token.isascii() and self.token.isprintable()):
            raise InputError("token: has letters or lines that no token has; copy it again")

    @classmethod
    def at(cls, address: str, token: str | None = None) -> "Client":
        """The client of a service by its address, as in 127.0.0.1:8000 or with http:// before it.

        token: by default that of RATECAST_TOKEN.
        """
        url = address if "://" in address else f"http://{address}"
        return cls(url, token or os.environ.get("RATECAST_TOKEN"))

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
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        address = f"{self.url.rstrip('/')}/v1/{path}"
        while True:
            try:
                answer = httpx.request(
                    method, address, headers=headers, timeout=TIMEOUT_SECONDS, **content
                )
            except UnicodeEncodeError:
                raise InputError("user: the id is not in UTF-8; write it in UTF-8") from None
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                raise InputError(
                    f"{self.url}: no service there ({error}); start one with ratecast serve, and "
                    "give its address, as in http://127.0.0.1:8000"
                ) from None
            wait = _seconds(answer)
            if answer.status_code not in _LATER or time.monotonic() + wait > until:
                return self._content(answer, path)
            time.sleep(wait)

    def _content(self, answer: httpx.Response, path: str) -> Any:
        try:
            content = answer.json()
        except ValueError:
            content = None
        known = isinstance(content, dict)
        if answer.is_success and known:
            return content
        if answer.status_code in (401, 403):
            raise InputError(
                f"{self.url}: {_detail(content)}; give the token of the service or of the user by "
                "--token or RATECAST_TOKEN"
            )
        if not known or (
            answer.status_code == 404 and "errors" in content and not content["errors"]
        ):
            raise InputError(
                f"{self.url}: /v1/{path} is not there, so it is no service of this ratecast; give "
                "the address of ratecast serve"
            )
        raise InputError(f"{self.url}: {_detail(content)} (HTTP {answer.status_code})")


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


def _seconds(answer: httpx.Response) -> float:
    text = answer.headers.get("retry-after", "")
    return min(float(text), 10.0) if text.isdigit() else 1.0


def _detail(content: Any) -> str:
    detail = content.get("detail") if isinstance(content, dict) else None
    return str(detail or "refused")
