"""Movies that are new to the service: known at once, after a restart, a refit and a swap."""

from pathlib import Path

import polars as pl
import pytest

from ratecast.cli import main
from ratecast.models import load_model, model_class
from ratecast.ratings import Ratings, Requests
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.live.training_table import training_table
from ratecast.serving.store.database import Store
from ratecast.serving.store.new_movies import NewMovie
from tests.planted import planted, with_sides
from tests.serving.place import Place

NEW = {"title": "Elsewhere", "year": 1971, "genres": ["Comedy"]}
MODELS = ("bias", "mean", "knn", "als", "svdpp", "variational_mf", "gaussian_process")
SIDES = ("cold_start", "state_space", "factorization_machine")


@pytest.mark.parametrize("name", [*MODELS, *SIDES])
def test_every_model_knows_one_at_once_and_after_a_restart(name: str, tmp_path: Path) -> None:
    train = with_sides(planted())
    artifact, home = tmp_path / "artifact", tmp_path / "home"
    model_class(name)().fit(train).save(artifact)
    ArtifactStore(home).publish(artifact)
    side = pl.DataFrame({"movie": [41], "year": [1971], "genres": [["Comedy"]]})
    frame = pl.DataFrame({"user": [1], "movie": [41]})
    expected = load_model(artifact).predict(Requests(frame, movies=side)).stars[0]
    with Place(home).open() as client:
        before = client.get("/v1/predict?user=1&movie=5").json()["forecasts"]
        added = client.post("/v1/movies", json=NEW)
        assert (added.status_code, added.json()["id"]) == (201, 41)
        assert client.get("/v1/movies?q=elsew").json()["movies"] == [added.json()]
        (found,) = client.get("/v1/predict?user=1&movie=41").json()["forecasts"]
        assert (found["basis"], found["movie"]["title"]) == ("new movie", "Elsewhere")
        assert found["stars"] == pytest.approx(expected, rel=1e-9)
        page = client.get("/v1/users/999/recommendations?n=100").json()["forecasts"]
        assert {one["movie"]["id"] for one in page} == set(range(1, 42))
        assert client.get("/v1/predict?user=1&movie=5").json()["forecasts"] == before
        assert client.post("/v1/movies", json=NEW | {"id": 41}).status_code == 422
        assert client.post("/v1/movies", json=NEW | {"id": 90}).status_code == 201
        given = client.post("/v1/users/1/ratings", json={"movie": 41, "stars": 5})
        assert given.status_code == 201
        pairs = "/v1/predict?user=2&movie=41&movie=90&movie=5"
        now = client.get(pairs).json()["forecasts"]
        assert now[0]["basis"] == "user and movie known"
    with Place(home).open() as client:
        assert client.get(pairs).json()["forecasts"] == now
        assert client.post("/v1/movies", json=NEW).json()["id"] == 91


def test_columns_of_the_model_are_taken_and_others_refused(tmp_path: Path) -> None:
    table = with_sides(planted())
    vectors = pl.Series(
        "vector", [[k / 40, 1 - k / 40] for k in range(40)], pl.Array(pl.Float32, 2)
    )
    movies = table.movies.with_columns(vectors)
    artifact, home = tmp_path / "artifact", tmp_path / "home"
    ratings = Ratings(table.frame, movies=movies, users=table.users, scale=table.scale)
    model_class("cold_start")().fit(ratings).save(artifact)
    ArtifactStore(home).publish(artifact)
    with Place(home).open() as client:
        stars = []
        for vector in ([0.1, 0.9], [0.9, 0.1]):
            body = NEW | {"columns": {"vector": vector}}
            movie = client.post("/v1/movies", json=body).json()["id"]
            answer = client.get(f"/v1/predict?user=1&movie={movie}").json()
            stars.append(answer["forecasts"][0]["stars"])
        assert stars[0] != stars[1]
        for columns in ({"vector": [1.0]}, {"vector": "x"}, {"nothing": 1}):
            refused = client.post("/v1/movies", json=NEW | {"columns": columns})
            assert refused.status_code == 422, columns
            assert refused.json()["errors"][0]["field"] == "columns"
        assert len(client.get("/v1/catalogue").json()["movies"]) == 42


def test_a_refit_learns_them_and_the_service_swaps_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    once = planted().frame.unique(["user", "movie"], keep="first", maintain_order=True)
    once.write_csv("ratings.csv")
    words = ["--model=bias", "--data=ratings.csv", f"--home={tmp_path / 'home'}"]
    assert main(["refit", *words]) == 0
    place = Place(tmp_path / "home")
    with place.open() as client:
        first = client.get("/v1/model").json()["artifact"]
        assert client.post("/v1/movies", json=NEW).json()["id"] == 41
        assert client.post("/v1/movies", json={"title": "Unrated"}).json()["id"] == 42
        assert client.post("/v1/users/500/seen/42").status_code == 201
        assert client.post("/v1/users/1/ratings", json={"movie": 41, "stars": 5}).status_code == 201
        assert main(["refit", *words]) == 0
        while client.get("/v1/model").json()["artifact"] == first:
            pass
        found = client.get("/v1/predict?user=2&movie=41&movie=42").json()["forecasts"]
        assert [each["movie"]["title"] for each in found] == ["Elsewhere", "Unrated"]
        assert [each["basis"] for each in found] == ["user and movie known", "new movie"]
        top = client.get("/v1/users/500/recommendations?n=100").json()["forecasts"]
        assert 42 not in {each["movie"]["id"] for each in top}


def test_the_training_table_has_their_side_information(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    store.lock.take()
    from ratecast.serving.store.new_movies import add_movie

    assert add_movie(store.lock, NewMovie("41", "Elsewhere", 1971, ("Comedy",), {"x": 1}))
    assert not add_movie(store.lock, NewMovie("41", "Again"))
    found = training_table(with_sides(planted()), store.events_since())
    store.close()
    (line,) = found.movies.filter(movie=41).rows(named=True)
    assert (line["title"], line["year"], line["genres"]) == ("Elsewhere", 1971, ["Comedy"])
    assert found.movies.height == 41
