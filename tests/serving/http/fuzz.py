"""Random requests: from the OpenAPI schema, and random bodies."""

import random
from typing import Any

import httpx
import orjson
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
WRITES = ("/v1/predict", "/v1/users/7/ratings", "/v1/users/7/ratings/many")


def described(client: httpx.Client, cases: int, seed_of: int) -> int:
    """So many cases of every operation, each answer held against the schema; how many in all."""
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    done = 0
    operations: Any = schema.get_all_operations()
    for found in operations:
        done += _cases(found.ok(), str(client.base_url), cases, seed_of)
    return done


def _cases(operation: Any, address: str, cases: int, seed_of: int) -> int:
    done = 0

    @seed(seed_of)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        nonlocal done
        done += 1
        case.call_and_validate(base_url=address, checks=CHECKS)

    ask()
    return done


def raw(client: httpx.Client, bodies: int, seed_of: int) -> int:
    """So many bodies, from noise to nearly right: refused as problems, or taken; never a fault."""
    drawn = random.Random(seed_of)
    for turn in range(bodies):
        path = WRITES[turn % len(WRITES)]
        headers = {"content-type": "application/json"}
        answer = client.post(path, content=_body(drawn), headers=headers)
        assert answer.status_code in (200, 201, 400, 404, 413, 422), answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert orjson.loads(answer.content)["status"] == answer.status_code
    return bodies


def _body(drawn: random.Random) -> bytes:
    if drawn.random() < 0.3:
        return drawn.randbytes(drawn.randint(0, 200))
    keys = "user", "movie", "stars", "ratings", "requests", "x"
    text = orjson.dumps({drawn.choice(keys): _value(drawn, 3) for _ in range(drawn.randint(0, 4))})
    if drawn.random() < 0.2:
        cut = drawn.randint(0, len(text))
        return text[:cut] + drawn.randbytes(2) + text[cut:]
    return text


def _value(drawn: random.Random, depth: int) -> Any:
    plain: list[Any] = [
        None, True, 0, -1, 3, 5, 2**63 - 1, 1e308, 4.5, "", "1", "\u0000", "50", "é" * 40,
    ]  # fmt: skip
    kind = drawn.random()
    if depth and kind < 0.25:
        return [_value(drawn, depth - 1) for _ in range(drawn.randint(0, 4))]
    if depth and kind < 0.5:
        names = "movie", "stars", "user", "y"
        return {drawn.choice(names): _value(drawn, depth - 1) for _ in range(3)}
    return drawn.choice(plain)
