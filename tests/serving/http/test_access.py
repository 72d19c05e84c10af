"""Which token each request needs: the table of the documentation, for every route."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from ratecast.serving.hot_swap import HotSwap
from ratecast.serving.http.app import create_app
from ratecast.serving.http.auth import Access, signing_secret
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.server import Settings
from ratecast.serving.store.database import Store
from tests.serving.place import TOKEN, Place

PAGE = Path(__file__).parents[3] / "docs" / "serving.md"
ROW = re.compile(r"\| `([A-Z]+) (/\S*)` \| (.+?) \| (.+?) \|")
# A body for those that need one; all are refused for their user before, or change nothing.
BODIES: dict[str, Any] = {
    "POST /v1/predict": {"requests": [{"user": 1, "movie": 50}]},
    "POST /v1/users/{user}/recommendations": {"candidates": [{"movie": 50}]},
    "POST /v1/together": {"users": [1, 2]},
    "POST /v1/movies": {"title": "A new one"},
    "POST /v1/users/{user}/ratings": {"movie": 50, "stars": 3},
    "POST /v1/users/{user}/ratings/many": {"ratings": [{"movie": 50, "stars": 3}]},
    "PUT /v1/users/{user}/ratings/{movie}": {"stars": 3},
}
QUERIES: dict[str, dict[str, Any]] = {
    "GET /v1/predict": {"user": 1, "movie": 50},
    "GET /v1/movies": {"q": "star"},
    "GET /v1/users/{user}/forecast": {"title": "Star Wars"},
}
# By what is needed, the tokens that are refused. A token of one user is not of each.
NEEDED = {
    "none": (),
    "the user's": ("none", "other"),
    "each user's": ("none", "other", "own"),
    "the service's": ("none", "other", "own"),
}


def table() -> dict[str, tuple[str, str]]:
    """Request to the token it needs, without and with --private."""
    rows = [
        match.groups() for match in map(ROW.match, PAGE.read_text("utf-8").splitlines()) if match
    ]
    return {f"{method} {path}": (plain, private) for method, path, plain, private in rows}


def test_every_route_is_in_the_table(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    store.lock.take()
    access = Access(TOKEN, signing_secret(tmp_path))
    app = create_app(HotSwap(ArtifactStore(tmp_path), store), access)
    store.close()
    routes = {
        f"{method} {route.path}"
        for route in _routes(app)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert routes == set(table())


def _routes(app: Any) -> list[Route]:
    """All routes, those of included routers too, in whatever form FastAPI keeps them."""
    found: list[Route] = [each for each in app.routes if isinstance(each, APIRoute | Route)]
    document = app.openapi()["paths"]
    known = {route.path for route in found}
    found += [
        Route(path, _routes, methods=[method.upper() for method in methods])
        for path, methods in document.items()
        if path not in known
    ]
    return found


@pytest.mark.parametrize("private", [False, True])
def test_the_table_says_which_token_a_request_needs(place: Place, private: bool) -> None:
    place.token, place.private = TOKEN, private
    access = Access(TOKEN, signing_secret(place.home))
    tokens = {"none": None, "other": access.user_token(2), "own": access.user_token(1),
              "service": TOKEN}  # fmt: skip
    with place.open() as client:
        for request, needs in table().items():
            for kind, token in tokens.items():
                status = asked(client, request, token)
                wanted = 401 if kind == "none" else 403
                refused = kind in NEEDED[needs[private]]
                assert (status == wanted) is refused, (request, kind, status)
                assert (status in (401, 403)) is refused, (request, kind, status)
        if private:
            both = {"requests": [{"user": user, "movie": 50} for user in (1, 2)]}
            headers = {"Authorization": f"Bearer {tokens['own']}"}
            assert client.post("/v1/predict", json=both, headers=headers).status_code == 403


def asked(client: httpx.Client, request: str, token: str | None) -> int:
    method, path = request.split()
    client.headers = httpx.Headers({} if token is None else {"Authorization": f"Bearer {token}"})
    path = path.replace("{user}", "1").replace("{movie}", "50")
    body = BODIES.get(request)
    return client.request(method, path, json=body, params=QUERIES.get(request)).status_code


def test_private_without_a_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="--private needs a token"):
        Settings(tmp_path, private=True).checked()
