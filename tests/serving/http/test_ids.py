"""Ids with any character, through every endpoint, the store and the log."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast.ids import BLANKS, HIGHEST, LOWEST, MOST_BYTES
from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import Ratings
from ratecast.serving.http.field_faults import unread
from ratecast.serving.live.published import ArtifactStore
from tests.serving.place import Place, process, wait

NASTY = [
    "https://example.org/films/?q=1&r=%2F#top",
    "a/b", "/", "%2F", "%252F", "..", ".", "-", "?", "#", "a b", "a+b", '"quoted"', "'; --", "\\",
    "\N{FILM PROJECTOR}\ufe0f", "e\u0301", "\u00e9", "line\nline", "\x1b[31mred", "\x01", "\x7f",
    "\u202edrow", ":100:", "[bold]", "<script>", "NaN", "null", "007", "7", "x" * MOST_BYTES,
]  # fmt: skip
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
SEPARATE = ANY.filter(lambda text: text == text.strip(BLANKS))


def table(kind: str) -> Ratings:
    """Every user rated every movie; ids of both are nasty, or numbers."""
    ids: list[Any] = NASTY if kind == "text" else list(range(7, 19))
    rows = [(u, m, 1 + (i * k) % 5, i + k) for i, u in enumerate(ids) for k, m in enumerate(ids)]
    return Ratings(pl.DataFrame(rows, ["user", "movie", "rating", "at"], orient="row"))


def published(home: Path, kind: str) -> Place:
    model = StateSpace(factors=2, co_rating_factors=2, iterations=1)
    model.fit(table(kind).sorted()).save(home / "artifact")
    ArtifactStore(home).publish(home / "artifact")
    return Place(home)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with published(tmp_path_factory.mktemp("text"), "text").open() as opened:
        yield opened


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with published(tmp_path_factory.mktemp("numbers"), "numbers").open() as opened:
        yield opened


def round_trip(client: httpx.Client, user: str, movie: str, *, in_query: bool) -> None:
    """Rate, list, forecast, explain, recommend, export, delete, by path or by query."""
    of_user, of_movie = quote(user, safe=""), quote(movie, safe="")
    if in_query:
        of_user = of_movie = "-"
    base, rating = f"/v1/users/{of_user}", f"/v1/users/{of_user}/ratings/{of_movie}"

    def named(path: str) -> dict[str, str]:
        """What stands in the query for a - in the path."""
        found = {"user_id": user} if in_query and "/users/-" in path else {}
        if in_query and re.search("/(ratings|explanations|movies)/-", path):
            found["movie_id"] = movie
        return found

    def ask(method: str, path: str, body: Any = None) -> Any:
        answer = client.request(method, path, params=named(path), json=body)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None

    assert ask("PUT", rating, {"stars": 2})["movie"]["id"] == movie
    assert ask("POST", f"{base}/ratings", {"movie": movie, "stars": 5})["stars"] == 5
    listed = ask("GET", f"{base}/ratings")
    assert listed["user"] == user
    assert [r["stars"] for r in listed["ratings"] if r["movie"]["id"] == movie] == [5]
    assert ask("GET", f"{base}/explanations/{of_movie}")["query"]["movie"] == movie
    for path in ("recommendations", "suggestions"):
        query = ask("GET", f"{base}/{path}")["query"]
        assert query["user"] == user
    assert ask("GET", f"{base}/export")["user"] == user
    assert ask("GET", f"/v1/movies/{of_movie}")["id"] == movie
    assert ask("GET", f"/v1/movies/{of_movie}/similar")["query"]["movie"] == movie
    alone = client.get("/v1/predict", params={"user": user, "movie": movie}).json()
    assert alone["query"] == {"user": user, "movies": [movie]}
    pairs = {"requests": [{"user": user, "movie": movie}]}
    assert client.post("/v1/predict", json=pairs).json()["query"] == pairs
    ask("DELETE", rating)
    assert client.delete(rating, params=named(rating)).status_code == 404
    ask("DELETE", base)
    assert ask("GET", f"{base}/ratings")["ratings"] == []


@pytest.mark.parametrize("nasty", NASTY)
def test_every_endpoint_takes_every_id_in_the_query(client: httpx.Client, nasty: str) -> None:
    round_trip(client, f"{nasty}u"[-MOST_BYTES:], nasty, in_query=True)


# Clients take the parts . and .. of a path away.
@pytest.mark.parametrize("nasty", [nasty for nasty in NASTY if nasty not in (".", "..")])
def test_every_endpoint_takes_every_id_in_the_path(client: httpx.Client, nasty: str) -> None:
    round_trip(client, f"{nasty}u"[-MOST_BYTES:], nasty, in_query=False)


@settings(deadline=None, max_examples=25, database=None)
@given(user=SEPARATE, in_query=st.booleans())
def test_drawn_users(client: httpx.Client, user: str, in_query: bool) -> None:
    own = user if in_query or user not in (".", "..") else "dots"
    exported = client.get(
        "/v1/users/-/export" if in_query else f"/v1/users/{quote(own, safe='')}/export",
        params={"user_id": own} if in_query else {},
    )
    assert exported.status_code == 200, exported.text
    form = exported.json()["user"]
    if '="' not in own and not own.endswith("0"):
        assert form == own


@pytest.mark.parametrize(
    ("user", "what"),
    [
        ("%00", "user: has a NUL character"),
        ("%20", "user: is empty"),
        ("x" * (MOST_BYTES + 1), "at most 1024 characters"),
        (quote("\u00fc" * MOST_BYTES), "longer than 1024 bytes"),
    ],
)
def test_what_is_no_id_is_refused_in_one_line(client: httpx.Client, user: str, what: str) -> None:
    answer = client.get(f"/v1/users/{user}/export")
    assert answer.status_code == 422
    assert what in answer.json()["detail"]


def test_an_address_that_is_not_utf_8_is_refused(client: httpx.Client) -> None:
    for path in ("/v1/users/%ff/export", "/v1/users/-/export?user_id=%ff"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["detail"]) == (400, "the address is not UTF-8")


def test_an_id_in_path_and_query_is_refused(client: httpx.Client) -> None:
    answer = client.get("/v1/users/7/export", params={"user_id": "a/b"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "user_id")


@pytest.mark.parametrize("written", ["7", "7.0", " 7 ", '="7"'])
def test_a_number_is_the_same_in_every_spelling(numbers: httpx.Client, written: str) -> None:
    assert numbers.get(f"/v1/users/{quote(written)}/export").json()["user"] == 7
    asked = numbers.get("/v1/predict", params={"user": written, "movie": written}).json()
    assert asked["query"] == {"user": 7, "movies": [7]}
    for value in (written, float(written.strip(' ="'))):
        pairs = {"requests": [{"user": value, "movie": value}]}
        found = numbers.post("/v1/predict", json=pairs).json()["query"]["requests"]
        assert found == [{"user": 7, "movie": 7}]
    twice = [{"movie": 8, "stars": 2}, {"movie": " 8.0", "stars": 3}]
    answer = numbers.post("/v1/users/7/ratings/many", json={"ratings": twice})
    assert (answer.status_code, answer.json()["detail"]) == (422, "ratings: a movie occurs twice")


@pytest.mark.parametrize("written", ["007", "ann", "7.5", str(2**63)])
def test_what_is_no_number_is_refused_where_ids_are_numbers(
    numbers: httpx.Client, written: str
) -> None:
    answer = numbers.get(f"/v1/users/{written}/export")
    assert answer.status_code == 422
    assert "ids of this model are whole numbers" in answer.json()["detail"]
    assert ("write 7, without" in answer.json()["detail"]) == (written == "007")


def test_the_largest_number_may_rate_and_leaves_numbers_for_others(numbers: httpx.Client) -> None:
    given = {"movie": 7, "stars": 3}
    assert numbers.post(f"/v1/users/{2**63 - 1}/ratings", json=given).status_code == 201
    new = [numbers.post("/v1/users") for _ in range(2)]
    assert [answer.status_code for answer in new] == [201, 201]
    assert new[0].json()["user"] < new[1].json()["user"] < 2**62
    added = {"id": str(2**63 - 1), "title": "The last one"}
    assert numbers.post("/v1/movies", json=added).status_code == 201
    assert numbers.post("/v1/movies", json={"title": "The one after"}).status_code == 201


def test_numbers_of_users_who_are_text_find_them(client: httpx.Client) -> None:
    pairs = {"requests": [{"user": 7, "movie": 7}]}
    found = client.post("/v1/predict", json=pairs).json()["forecasts"][0]["forecast"]
    assert found["history_length"] == len(NASTY)


def test_a_store_takes_every_id_and_gives_it_back(tmp_path: Path, database: str) -> None:
    place = published(tmp_path, "text")
    place.database = database
    for turn in range(2):
        with place.open() as client:
            for nasty in NASTY:
                params = {"user_id": nasty}
                if not turn:
                    both, body = params | {"movie_id": nasty}, {"stars": 4}
                    answer = client.put("/v1/users/-/ratings/-", params=both, json=body)
                    assert answer.status_code == 200, answer.text
                rated = client.get("/v1/users/-/ratings", params=params).json()["ratings"]
                live = [rating["movie"]["id"] for rating in rated if rating["live"]]
                assert live == [nasty]


def test_no_control_character_reaches_the_log(tmp_path: Path) -> None:
    published(tmp_path, "text")
    with process(tmp_path, "--log_all") as (_, client):
        wait(client)
        for nasty in ("\x1b]0;title\x07", "\x9b31m", "\u202edrow", "two\nlines"):
            client.get("/v1/users/-/export", params={"user_id": nasty})
            client.get(f"/{quote(nasty)}", params={"x": nasty})
            client.get("/v1/predict", params={"user": nasty, "movie": nasty})
    log = (tmp_path / "serve.log").read_text("utf-8")
    assert all(letter.isprintable() or letter == "\n" for letter in log)
    assert [json.loads(line) for line in log.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("value", [HIGHEST + 1, LOWEST - 1, 2**70])
def test_a_number_out_of_range_is_told_the_range(numbers: httpx.Client, value: int) -> None:
    body = {"requests": [{"user": value, "movie": 7}]}
    answer = numbers.post("/v1/predict", json=body).json()
    fault = f"is no id; write a whole number from {LOWEST} to {HIGHEST}, or text"
    assert answer["detail"] == f"requests.0.user: {fault}"
    answer = numbers.get(f"/v1/predict?user={value}&movie=7").json()
    fault = f"ids of this model are whole numbers from {LOWEST} to {HIGHEST}"
    assert answer["detail"] == f"user '{value}': {fault}"


def test_a_body_that_is_nested_too_deep_is_told_so() -> None:
    assert str(unread(RecursionError())).startswith("is nested too deep; write fewer brackets")
    assert unread(OSError()) is None


@pytest.mark.parametrize("value", ["", None, [], [1], {}, True, "x" * (MOST_BYTES + 1)])
@pytest.mark.parametrize("kind", ["user", "movie"])
def test_what_is_no_id_in_a_body_is_one_line(
    numbers: httpx.Client, kind: str, value: object
) -> None:
    pair = {"user": 7, "movie": 7} | {kind: value}
    answer = numbers.post("/v1/predict", json={"requests": [pair]})
    assert answer.status_code == 422
    fault = f"is no id; write a whole number, or text of 1 to {MOST_BYTES} characters"
    assert answer.json()["detail"] == f"requests.0.{kind}: {fault}"
    assert answer.json()["errors"] == [{"field": f"requests.0.{kind}", "detail": fault}]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("[]", "body: is no JSON object; write one in braces, and send Content-Type: "),
        (
            '{"requests": }',
            "body: is no JSON (Expecting value at character 14); correct it",
        ),
        ("caf\xe9".encode("latin-1"), "body: is not UTF-8 at byte 4; send JSON as UTF-8"),
        ("9" * 5000, "body: has a whole number of too many digits; write fewer, or text"),
        ("{}", "requests: is missing; add it"),
        ('{"requests": 7}', "requests: is no list; write one, in brackets"),
        ('{"requests": []}', "requests: has too few entries; give at least 1"),
        ('{"requests": [{"movie": 7}]}', "requests.0.user: is missing; add it"),
        ('{"requests": [{"user": 7, "movie": 7, "x": 1}]}', "requests.0.x: is no field here"),
        ('{"requests": [{}, {}]}', "requests.1.user: is missing; add it; and 1 more"),
    ],
)
def test_what_is_wrong_with_a_body_is_said_in_plain_words(
    numbers: httpx.Client, body: str | bytes, detail: str
) -> None:
    headers = {"content-type": "application/json"}
    answer = numbers.post("/v1/predict", content=body, headers=headers)
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
