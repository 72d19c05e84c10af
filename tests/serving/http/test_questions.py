"""What people ask: together, a watchlist, a title, pages of movies, what was seen, an export."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from ratecast.exports.match import match
from ratecast.exports.read import read_bytes
from ratecast.exports.star_quantiles import StarDistribution
from ratecast.ratings import Scale
from ratecast.serving.live.published import ArtifactStore
from tests.serving.place import TOKEN, Place, get

USERS = [196, 186, 22]


def post(client: httpx.Client, path: str, body: Any = None, status: int = 200) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def rated(client: httpx.Client, user: int) -> dict[int, float]:
    found = get(client, f"/v1/users/{user}/ratings")["ratings"]
    return {each["movie"]["id"]: each["stars"] for each in found}


def test_together_is_what_the_star_probabilities_say(client: httpx.Client) -> None:
    answer = post(client, "/v1/together", {"users": USERS, "n": 20})
    assert answer["query"] == {"users": USERS, "stars": 4, "by": "chance", "rated": False, "n": 20}
    chances = [each["chance"] for each in answer["movies"]]
    assert chances == sorted(chances, reverse=True)
    seen = set().union(*(rated(client, user) for user in USERS))
    assert not seen & {each["movie"]["id"] for each in answer["movies"]}
    first = answer["movies"][0]
    above = []
    for user in USERS:
        (found,) = get(client, "/v1/predict", user=user, movie=first["movie"]["id"])["forecasts"]
        shares = np.array(list(found["probabilities"].values()))
        above.append(np.cumsum(shares[::-1])[::-1])
    product = np.prod(above, axis=0)
    assert first["chance"] == pytest.approx(product[3], rel=1e-9)
    assert first["least"] == pytest.approx(1 + product[1:].sum(), rel=1e-9)
    (same,) = post(client, "/v1/together", {"users": USERS, "movies": [50], "rated": True})[
        "movies"
    ]
    assert same["movie"]["id"] == 50
    for body, field in (
        ({"users": [1]}, "users"),
        ({"users": [1, 1]}, ""),
        ({"users": [1, 2], "stars": 9}, ""),
        ({"users": [1, 2], "by": "luck"}, "by"),
    ):
        assert client.post("/v1/together", json=body).status_code == 422, field


def test_together_needs_the_token_of_each(artifact: Path, tmp_path: Path) -> None:
    ArtifactStore(tmp_path).publish(artifact)
    with Place(tmp_path, token=TOKEN).open() as client:
        own, other = (post(client, "/v1/users", status=201) for _ in range(2))
        users = {"users": [own["user"], other["user"]]}
        assert client.post("/v1/together", json=users).status_code == 200
        client.headers["Authorization"] = f"Bearer {own['token']}"
        assert client.post("/v1/together", json=users).status_code == 403
        tokens = {"tokens": [own["token"], other["token"]]}
        assert client.post("/v1/together", json=users | tokens).status_code == 200
        tokens["tokens"].reverse()
        assert client.post("/v1/together", json=users | tokens).status_code == 403
        new = {"title": "Elsewhere"}
        assert client.post("/v1/movies", json=new).status_code == 403


def test_candidates_are_ranked_by_ids_and_titles(client: httpx.Client) -> None:
    some = get(client, "/v1/users/196/recommendations", movies=[50, 181, 172], n=5)["forecasts"]
    assert {each["movie"]["id"] for each in some} == {50, 181, 172} - set(rated(client, 196))
    body = {
        "candidates": [
            {"movie": 181},
            {"title": "Star Wars", "year": 1977},
            {"title": "Fargo", "year": 1998},
            {"title": "Nowhere To Be Found", "year": 2020},
        ]
    }
    answer = post(client, "/v1/users/7777/recommendations", body)
    stars = [each["stars"] for each in answer["forecasts"]]
    assert {each["movie"]["id"] for each in answer["forecasts"]} == {50, 181}
    assert stars == sorted(stars, reverse=True)
    near, none = answer["unresolved"]
    assert near["candidates"][0]["title"] == "Fargo (1996)"
    assert (none["title"], none["candidates"]) == ("Nowhere To Be Found", [])
    assert client.post("/v1/users/1/recommendations", json={"candidates": [{}]}).status_code == 422


def test_a_watchlist_is_ranked(client: httpx.Client) -> None:
    text = "Date,Name,Year,Letterboxd URI\n2026-01-01,Fargo,1996,x\n2026-01-02,Alien,1979,y\n"
    answer = client.post("/v1/users/7777/watchlist", content=text).json()
    assert {each["movie"]["title"] for each in answer["forecasts"]} == {
        "Fargo (1996)",
        "Alien (1979)",
    }
    refused = client.post("/v1/users/7777/watchlist", content="a,b\n1,2\n")
    assert refused.status_code == 422
    assert "not a watchlist" in refused.json()["detail"]


def test_a_title_is_forecast(client: httpx.Client) -> None:
    path = "/v1/users/196/forecast"
    answer = get(client, path, title="Kolya", year=1996)
    assert (answer["found"], answer["forecast"]["movie"]["id"]) == ("known", 242)
    near = get(client, path, title="The Silence of the Lamb", year=1991)
    assert near["forecast"]["movie"]["title"] == "Silence of the Lambs, The (1991)"
    ambiguous = client.get(path, params={"title": "Fargo", "year": 1998})
    assert ambiguous.status_code == 422
    assert ambiguous.headers["content-type"] == "application/problem+json"
    assert ambiguous.json()["candidates"][0]["title"] == "Fargo (1996)"
    new = {"title": "Zebra Umbrella", "year": 1997}
    comedy = get(client, path, genre="Comedy", **new)
    war = get(client, path, genre="War", **new)
    assert (comedy["found"], comedy["forecast"]["movie"]["id"]) == ("new", "")
    assert comedy["forecast"]["basis"] == "new movie"
    assert comedy["forecast"]["stars"] != war["forecast"]["stars"]


def test_movies_are_listed_in_pages(client: httpx.Client) -> None:
    found: list[int] = []
    after: dict[str, int] = {}
    while True:
        page = get(client, "/v1/movies", n=100, **after)
        found += [each["id"] for each in page["movies"]]
        if page["after"] is None:
            break
        after = {"after": page["after"]}
    everything = [each["id"] for each in get(client, "/v1/catalogue")["movies"]]
    assert found == sorted(everything)
    some = get(client, "/v1/movies", n=100, genre="War", from_year=1970, to_year=1979)["movies"]
    assert some
    assert all("War" in each["genres"] and 1970 <= each["year"] <= 1979 for each in some)
    assert client.get("/v1/movies", params={"q": "star", "after": 5}).status_code == 422


def test_what_was_seen_is_not_recommended(client: httpx.Client) -> None:
    user = post(client, "/v1/users", status=201)["user"]
    path = f"/v1/users/{user}"
    first = get(client, f"{path}/recommendations", n=1)["forecasts"][0]["movie"]
    assert post(client, f"{path}/seen/{first['id']}", status=201) == first
    assert post(client, f"{path}/seen/{first['id']}", status=201) == first
    assert get(client, f"{path}/recommendations", n=1)["forecasts"][0]["movie"] != first
    suggested = [f["movie"]["id"] for f in get(client, f"{path}/suggestions", n=100)["forecasts"]]
    assert first["id"] not in suggested
    assert get(client, f"{path}/export")["seen"] == [first]
    assert client.delete(f"{path}/seen/{first['id']}").status_code == 204
    assert client.delete(f"{path}/seen/{first['id']}").status_code == 404
    assert get(client, f"{path}/recommendations", n=1)["forecasts"][0]["movie"] == first
    post(client, f"{path}/seen/50", status=201)
    assert client.delete(path).status_code == 204
    assert get(client, f"{path}/export")["seen"] == []


def test_an_export_for_letterboxd_is_imported_as_it_was(client: httpx.Client) -> None:
    user = post(client, "/v1/users", status=201)["user"]
    formula = post(client, "/v1/movies", {"title": "=1+1", "year": 1999}, status=201)
    given = {50: 5.0, 100: 3.0, 242: 1.0, 98: 4.0, 181: 2.0, 127: 4.0, 56: 5.0, 12: 3.0}
    given |= {64: 1.0, 174: 2.0, 172: 5.0, formula["id"]: 2.0}
    ratings = [{"movie": movie, "stars": stars} for movie, stars in given.items()]
    post(client, f"/v1/users/{user}/ratings/many", {"ratings": ratings}, status=201)
    answer = client.get(f"/v1/users/{user}/export", params={"form": "letterboxd"})
    assert answer.headers["content-type"].startswith("text/csv")
    header, *rows = answer.text.splitlines()
    assert header == "Title,Year,Rating"
    assert "'=1+1,1999,2.0" in rows
    assert not any(row.startswith(("=", "+", "-", "@")) for row in rows)
    export = read_bytes(answer.content, "letterboxd.csv")
    movies = get(client, "/v1/catalogue")["movies"]
    import polars as pl

    table = pl.DataFrame(
        [{"movie": m["id"], "title": m["title"], "year": m["year"]} for m in movies]
    )
    matches = match(export, table)
    found = matches.scaled(StarDistribution(Scale(1, 5), np.array([1.0, 2, 3, 4, 5])))
    assert dict(found.select("movie", "rating").iter_rows()) == given
