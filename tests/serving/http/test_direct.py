"""Requests that are answered without FastAPI: the same responses, and no others."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ratecast.serving.http import direct
from ratecast.serving.http.limits import Limits
from tests.serving.place import TOKEN, Place

Send = Callable[[httpx.Client], httpx.Response]
JSON = {"content-type": "application/json"}

PLAIN: dict[str, Send] = {
    "one": lambda c: c.get("/v1/predict?user=196&movie=242"),
    "two": lambda c: c.get("/v1/predict?user=196&movie=242&movie=50"),
    "new": lambda c: c.get("/v1/predict?user=77777&movie=242"),
    "unknown": lambda c: c.get("/v1/predict?user=196&movie=99999"),
    "no number": lambda c: c.get("/v1/predict?user=anna&movie=242"),
    "ten": lambda c: c.get("/v1/users/5/recommendations"),
    "most": lambda c: c.get("/v1/users/5/recommendations?n=100"),
    "no user": lambda c: c.get("/v1/users/a.b/recommendations?n=3"),
    "head": lambda c: c.head("/v1/predict?user=196&movie=242"),
    "rate": lambda c: c.post("/v1/users/7001/ratings", json={"movie": 50, "stars": 4}),
    "as text": lambda c: c.post("/v1/users/7002/ratings", json={"movie": "50", "stars": 4.0}),
    "off the scale": lambda c: c.post("/v1/users/7003/ratings", json={"movie": 50, "stars": 9}),
    "set": lambda c: c.put("/v1/users/7004/ratings/50", json={"stars": 2}),
    "set unknown": lambda c: c.put("/v1/users/7004/ratings/99999", json={"stars": 2}),
}
OTHER: dict[str, Send] = {
    "encoded": lambda c: c.get("/v1/predict?user=19%36&movie=242"),
    "other order": lambda c: c.get("/v1/predict?movie=242&user=196"),
    "too many": lambda c: c.get("/v1/predict?user=1" + "&movie=1" * 101),
    "no movie": lambda c: c.get("/v1/predict?user=196"),
    "filter": lambda c: c.get("/v1/users/5/recommendations?n=3&genre=Drama"),
    "none": lambda c: c.get("/v1/users/5/recommendations?n=0"),
    "above": lambda c: c.get("/v1/users/5/recommendations?n=101"),
    "in the query": lambda c: c.get("/v1/users/-/recommendations?user_id=5"),
    "method": lambda c: c.delete("/v1/predict?user=196&movie=242"),
}
# They have the form of a direct one, but for the body.
BODIES: dict[str, Send] = {
    "no JSON": lambda c: c.post("/v1/users/7005/ratings", content=b"{", headers=JSON),
    "no object": lambda c: c.post("/v1/users/7005/ratings", json=[1]),
    "more fields": lambda c: c.post(
        "/v1/users/7005/ratings", json={"movie": 1, "stars": 3, "x": 1}
    ),
    "not a number": lambda c: c.post(
        "/v1/users/7005/ratings", content=b'{"movie": 1, "stars": NaN}', headers=JSON
    ),
    "text for a number": lambda c: c.put("/v1/users/7005/ratings/50", json={"stars": "3"}),
    "empty": lambda c: c.put("/v1/users/7005/ratings/50", content=b"", headers=JSON),
    "a form": lambda c: c.post("/v1/users/7005/ratings", data={"movie": "1", "stars": "3"}),
    "in pieces": lambda c: c.post(
        "/v1/users/7006/ratings", content=iter([b'{"movie": 50,', b'"stars": 4}']), headers=JSON
    ),
}


def answers(
    send: Send, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> tuple[bool, dict[str, Any], dict[str, Any]]:
    """Whether a response was direct, the response, and that of FastAPI alone."""
    direct_ones: list[Any] = []

    def noted(name: str) -> Callable[..., Any]:
        own = vars(direct)[name]

        def call(*given: Any) -> Any:
            direct_ones.append(given)
            return own(*given)

        return call

    with monkeypatch.context() as patch:
        for name in ("reply", "error_response"):
            patch.setitem(vars(direct), name, noted(name))
        first = _seen(send(client))
    with monkeypatch.context() as patch:
        patch.setattr(direct, "_BY_METHOD", {})
        return bool(direct_ones), first, _seen(send(client))


def _seen(response: httpx.Response) -> dict[str, Any]:
    headers = {name: value for name, value in response.headers.items() if name != "date"}
    body = response.json() if response.content else None
    if response.is_success and isinstance(body, dict):
        # A later rating of the pair has a later second.
        body.pop("at", None)
        headers.pop("content-length")
    return {"status": response.status_code, "headers": headers, "body": body}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_request_is_answered_directly_and_as_by_fastapi(
    name: str, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_direct, answer, other = answers(PLAIN[name], client, monkeypatch)
    assert is_direct
    assert answer == other


@pytest.mark.parametrize("name", OTHER | BODIES)
def test_every_other_request_is_left_to_fastapi(
    name: str, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_direct, answer, other = answers((OTHER | BODIES)[name], client, monkeypatch)
    assert not is_direct
    assert answer == other


def test_tokens_hold_and_requests_are_counted_by_their_route(place: Place) -> None:
    place.token, place.private, place.limits = TOKEN, True, Limits(log_all=True)
    with place.open() as client:
        stars = {"stars": 3}
        plain: list[Callable[[dict[str, str]], httpx.Response]] = [
            lambda given: client.get("/v1/predict?user=196&movie=242", headers=given),
            lambda given: client.get("/v1/users/196/recommendations", headers=given),
            lambda given: client.put("/v1/users/196/ratings/1", json=stars, headers=given),
        ]
        for send in plain:
            assert send({"Authorization": "Bearer another-token-altogether"}).status_code == 403
            assert send({"Authorization": "none"}).status_code == 401
            assert send({}).status_code == 200
        figures = client.get("/metrics").text
        for line in (
            'ratecast_requests_total{method="GET",route="/v1/predict",status="200"} 1.0',
            'ratecast_requests_total{method="PUT",route="/v1/users/{user}/ratings/{movie}",'
            'status="403"} 1.0',
        ):
            assert line in figures, figures
