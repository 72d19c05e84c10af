"""Random requests: every response matches the OpenAPI schema, and none is an internal error."""

import httpx

from tests.serving.http.fuzz import described, raw


def test_cases_drawn_from_the_description(client: httpx.Client) -> None:
    assert described(client, cases=6, seed_of=0) >= 60


def test_bodies_drawn_by_chance(client: httpx.Client) -> None:
    assert raw(client, bodies=300, seed_of=0) == 300
