"""The API as a client sees it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ratecast.serving.http.limits import Limits
from ratecast.serving.store.database import Store
from tests.serving.place import TOKEN, Place, get


def rate(client: httpx.Client, user: int, movie: int, stars: float) -> httpx.Response:
    return client.post(f"/v1/users/{user}/ratings", json={"movie": movie, "stars": stars})


def test_a_forecast_says_all_that_is_known_of_it(client: httpx.Client) -> None:
    answer = get(client, "/v1/predict", user=196, movie=[242, 50])
    assert answer["query"] == {"user": 196, "movies": [242, 50]}
    first = answer["forecasts"][0]
    assert first["movie"]["title"] == "Kolya (1996)"
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert list(first["probabilities"]) == ["1", "2", "3", "4", "5"]
    assert 1 <= first["interval"][0] <= first["stars"] <= first["interval"][1] <= 5
    assert (first["history_length"], first["basis"]) == (39, "user and movie known")
    new_user = get(client, "/v1/predict", user=77_777, movie=242)["forecasts"][0]
    assert (new_user["history_length"], new_user["basis"]) == (0, "new user")


def test_many_pairs_are_forecast_as_one_by_one(client: httpx.Client) -> None:
    pairs = [{"user": user, "movie": movie} for user in (196, 5, 88_888) for movie in (1, 50, 242)]
    answer = client.post("/v1/predict", json={"requests": pairs}).json()
    assert answer["query"]["requests"] == pairs
    for pair, found in zip(pairs, answer["forecasts"], strict=True):
        alone = get(client, "/v1/predict", **pair)["forecasts"][0]
        assert found == {"user": pair["user"], "forecast": alone}


def test_a_rating_is_in_effect_in_the_very_next_answer(client: httpx.Client) -> None:
    user = client.post("/v1/users").json()["user"]
    before = get(client, "/v1/predict", user=user, movie=172)["forecasts"][0]
    answer = rate(client, user, 50, 5)
    assert answer.status_code == 201
    assert answer.json()["stars"] == 5
    after = get(client, "/v1/predict", user=user, movie=172)["forecasts"][0]
    assert after["stars"] > before["stars"]
    assert after["history_length"] == 1
    changed = client.put(f"/v1/users/{user}/ratings/50", json={"stars": 1})
    assert changed.json()["stars"] == 1
    low = get(client, "/v1/predict", user=user, movie=172)["forecasts"][0]
    assert low["stars"] < before["stars"]
    assert client.delete(f"/v1/users/{user}/ratings/50").status_code == 204
    assert get(client, "/v1/predict", user=user, movie=172)["forecasts"][0] == before
    assert client.delete(f"/v1/users/{user}/ratings/50").status_code == 404


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/v1/users/5/recommendations?n=1&gen=Comedy", "n, user_id, genre, "),
        ("/v1/predict?user=196&movie=1&gen=1", "user, movie"),
        ("/v1/quality?gen=1", "it has none"),
        ("/v1/movies?gen=1", "it has "),
    ],
)
def test_a_parameter_that_a_path_does_not_have_is_refused(
    client: httpx.Client, path: str, known: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["field"] == "gen"
    assert fault["detail"].startswith("is no parameter of this path; ")
    assert known in fault["detail"]


def test_what_was_rated_is_never_recommended(client: httpx.Client) -> None:
    found = get(client, "/v1/users/5/recommendations", n=100)["forecasts"]
    rated = {r["movie"]["id"] for r in get(client, "/v1/users/5/ratings")["ratings"]}
    named = [f["movie"]["id"] for f in found]
    assert len(named) == len(set(named)) == 100
    assert not rated & set(named)
    stars = [f["stars"] for f in found]
    assert stars == sorted(stars, reverse=True)
    assert rate(client, 5, named[0], 3).status_code == 201
    again = get(client, "/v1/users/5/recommendations", n=1)["forecasts"]
    assert again[0]["movie"]["id"] != named[0]


def test_recommendations_keep_to_genre_and_years(client: httpx.Client) -> None:
    only = {"genre": "Comedy", "from_year": 1980, "to_year": 1989}
    answer = get(client, "/v1/users/196/recommendations", n=20, **only)
    assert answer["query"] == {"user": 196, "n": 20} | only
    for found in answer["forecasts"]:
        assert "Comedy" in found["movie"]["genres"]
        assert 1980 <= found["movie"]["year"] <= 1989
    unknown = client.get("/v1/users/196/recommendations", params={"genre": "Opera"})
    assert unknown.status_code == 404
    assert unknown.json()["errors"][0]["field"] == "genre"


def test_an_explanation_is_measured_by_leaving_out(client: httpx.Client) -> None:
    user = client.post("/v1/users").json()["user"]
    stars = {50: 5, 172: 5, 181: 4, 1: 2}
    many = [{"movie": movie, "stars": value} for movie, value in stars.items()]
    kept = client.post(f"/v1/users/{user}/ratings/many", json={"ratings": many})
    assert kept.status_code == 201
    assert len({r["at"] for r in kept.json()["ratings"]}) == 1
    answer = get(client, f"/v1/users/{user}/explanations/210")
    effects = {r["movie"]["id"]: r["effect"] for r in answer["reasons"]}
    assert set(effects) == set(stars)
    for left_out in stars:
        twin = client.post("/v1/users").json()["user"]
        others = [given for given in many if given["movie"] != left_out]
        client.post(f"/v1/users/{twin}/ratings/many", json={"ratings": others})
        without = get(client, "/v1/predict", user=twin, movie=210)["forecasts"][0]["stars"]
        assert answer["forecast"]["stars"] - without == effects[left_out]


def test_suggestions_are_known_movies_that_were_not_rated(client: httpx.Client) -> None:
    found = get(client, "/v1/users/196/suggestions", n=20)["forecasts"]
    rated = {r["movie"]["id"] for r in get(client, "/v1/users/196/ratings")["ratings"]}
    assert len(found) == 20
    assert not rated & {f["movie"]["id"] for f in found}
    assert sum(f["movie"]["seen"] for f in found) / 20 > 100


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("star wa", "Star Wars (1977)"),
        ("the godfather", "Godfather, The (1972)"),
        ("godfahter", "Godfather, The (1972)"),
        ("les mis", "Misérables, Les (1995)"),
        ("1977 star", "Star Wars (1977)"),
        ("KOLYA", "Kolya (1996)"),
    ],
)
def test_a_movie_is_found_by_a_part_of_its_title(
    client: httpx.Client, text: str, title: str
) -> None:
    assert title in [m["title"] for m in get(client, "/v1/movies", q=text, n=3)["movies"]]


def test_movies_like_a_movie(client: httpx.Client) -> None:
    answer = get(client, "/v1/movies/50/similar", n=5)
    cosines = [m["cosine"] for m in answer["movies"]]
    assert len(cosines) == 5
    assert cosines == sorted(cosines, reverse=True)
    assert 50 not in [m["movie"]["id"] for m in answer["movies"]]


def test_export_and_deletion_are_complete(client: httpx.Client) -> None:
    before = get(client, "/v1/users/22/export")
    assert rate(client, 22, 300, 4).status_code in (200, 201)
    export = get(client, "/v1/users/22/export")
    assert {r["movie"]["id"] for r in export["ratings"]} >= {300}
    assert export["known"]["occupation"] == "writer"
    assert len(before["ratings"]) >= 100
    assert client.delete("/v1/users/22").status_code == 204
    gone = get(client, "/v1/users/22/export")
    assert gone == {"user": 22, "registered": None, "ratings": [], "known": {}, "seen": []}
    query = {"movie": [50, 242, 1]}
    forgotten = get(client, "/v1/predict", user=22, **query)["forecasts"]
    assert forgotten == get(client, "/v1/predict", user=99_999, **query)["forecasts"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("GET", "/v1/predict?user=196", None, 422, "movie"),
        ("GET", "/v1/predict?user=x&movie=1", None, 422, "user"),
        ("GET", "/v1/predict?user=1&movie=999999", None, 404, "movie"),
        ("GET", "/v1/users/196/recommendations?n=0", None, 422, "n"),
        ("POST", "/v1/users/196/ratings", {"movie": 1, "stars": 6}, 422, "stars"),
        ("POST", "/v1/users/196/ratings", {"movie": 1, "stars": 3.5}, 422, "stars"),
        ("POST", "/v1/users/196/ratings", {"movie": 1}, 422, "stars"),
        ("POST", "/v1/users/196/ratings", {"movie": 1, "stars": 3, "x": 1}, 422, "x"),
        ("POST", "/v1/users/196/ratings", {"movie": 99999, "stars": 3}, 404, "movie"),
        ("POST", "/v1/predict", {"requests": []}, 422, "requests"),
        ("DELETE", "/v1/users/196/ratings/1680", None, 404, "movie"),
    ],
)
def test_a_refusal_is_a_problem_that_names_the_field(
    client: httpx.Client, method: str, path: str, body: Any, status: int, field: str
) -> None:
    answer = client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert field in [fault["field"] for fault in problem["errors"]]


def test_what_is_not_there_is_a_problem_too(client: httpx.Client) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("PUT", "/v1/predict", 405)):
        answer = client.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    torn = client.post("/v1/predict", content=b"{", headers={"content-type": "application/json"})
    assert torn.status_code == 422


def test_every_answer_carries_safe_headers(client: httpx.Client) -> None:
    for path in ("/v1/model", "/v1/movies/0", "/docs", "/nowhere"):
        headers = client.get(path, headers={"Origin": "http://elsewhere"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in headers
    policy = client.get("/v1/model").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in client.get("/docs").headers["content-security-policy"]


def test_the_description_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for path in ("/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/start.js"):
        assert client.get(path).status_code == 200
    described = client.get("/openapi.json").json()
    assert "/v1/predict" in described["paths"]
    assert "HTTPValidationError" not in described["components"]["schemas"]


def test_signs_of_life(client: httpx.Client) -> None:
    assert get(client, "/healthz") == {"status": "alive"}
    assert get(client, "/readyz") == {"status": "ready"}
    text = client.get("/metrics").text
    assert "ratecast_ready 1.0" in text
    assert 'ratecast_requests_total{method="GET",route="/healthz",status="200"}' in text
    assert 'ratecast_model{artifact="' in text


def test_each_user_acts_for_one_user_only(place: Place) -> None:
    place.token = TOKEN
    with place.open() as client:
        made = [client.post("/v1/users").json() for _ in range(2)]
        one, other = made[0]["user"], made[1]["user"]
        mine = {"Authorization": f"Bearer {made[0]['token']}"}
        body = {"movie": 50, "stars": 4}
        assert client.post(f"/v1/users/{one}/ratings", json=body, headers=mine).status_code == 201
        for method, path in (
            ("POST", f"/v1/users/{other}/ratings"),
            ("GET", f"/v1/users/{other}/export"),
            ("GET", f"/v1/users/{other}/ratings"),
            ("GET", f"/v1/users/{other}/recommendations"),
            ("DELETE", f"/v1/users/{other}"),
            ("POST", "/v1/users"),
        ):
            given = body if method == "POST" else None
            assert client.request(method, path, json=given, headers=mine).status_code == 403
            anonymous = client.request(method, path, json=given, headers={"Authorization": ""})
            assert anonymous.status_code == 401
            assert anonymous.headers["www-authenticate"] == "Bearer"
        assert client.get(f"/v1/users/{other}/ratings").json()["ratings"] == []
        assert client.get("/v1/predict?user=1&movie=1", headers={"Authorization": ""}).is_success
    assert (place.home / "secret").stat().st_mode & 0o777 == 0o600
    with place.open() as client:
        assert client.get(f"/v1/users/{one}/ratings", headers=mine).is_success


def test_limits_of_size_and_of_rate(place: Place) -> None:
    place.limits = Limits(body=1000, rate=40)
    with place.open() as client:
        large = client.post("/v1/predict", content=b"x" * 2000)
        assert large.status_code == 413

        def pieces() -> Iterator[bytes]:
            yield from [b"x" * 600] * 3

        assert client.post("/v1/predict", content=pieces()).status_code == 413
        answers = [client.get("/v1/model") for _ in range(200)]
        refused = [a for a in answers if a.status_code == 429]
        assert refused
        assert refused[0].headers["retry-after"] == "1"
        # Probes are answered, whatever their address asked before.
        assert all(client.get("/healthz").is_success for _ in range(20))


def test_to_delete_a_user_who_is_not_known_stores_nothing(place: Place) -> None:
    with place.open() as client:
        user = client.post("/v1/users").json()["user"]
        for _ in range(2):
            assert client.delete(f"/v1/users/{user + 500}").status_code == 204
        assert client.post("/v1/users").json()["user"] == user + 1
        # Of these something is known: an age, a mark, a rating that was deleted, a registration.
        assert client.post(f"/v1/users/{user + 10}/seen/50").status_code == 201
        assert client.post(f"/v1/users/{user + 11}/ratings", json={"movie": 50, "stars": 4})
        assert client.delete(f"/v1/users/{user + 11}/ratings/50").status_code == 204
        known = [22, user, user + 10, user + 11]
        for each in known:
            assert client.delete(f"/v1/users/{each}").status_code == 204
    store = Store(place.url)
    tried = [*known, user + 1, user + 500]
    assert store.deleted_users().among(map(str, tried)) == list(map(str, known))
    assert store.last_numbers()[0] == len(store.deleted_users().seqs) + 2
    store.close()


def test_the_id_of_who_was_forgotten_is_given_to_nobody(place: Place) -> None:
    with place.open() as client:
        user = client.post("/v1/users").json()["user"]
        assert client.delete(f"/v1/users/{user}").status_code == 204
    with place.open() as client:
        assert client.post("/v1/users").json()["user"] > user
