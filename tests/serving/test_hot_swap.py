"""Hot swap: a new model replaces the old one without a restart; a bad one is refused."""

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.models import load_model
from ratecast.models.bias import Bias
from ratecast.ratings import MOVIE, Ratings
from ratecast.serving.live.published import ArtifactStore
from tests.serving.place import Place, smuggled, wait

SOON_SECONDS = 30.0


def serving(client: httpx.Client) -> str:
    return str(client.get("/v1/model").json()["artifact"])


def until(met: Callable[[], bool]) -> None:
    start = time.monotonic()
    while not met():
        assert time.monotonic() - start < SOON_SECONDS
        time.sleep(0.05)


def refused(place: Place, client: httpx.Client, name: str) -> str:
    """Why the service refused this artifact; the one before goes on."""
    until(lambda: name in ArtifactStore(place.home).verdicts())
    assert client.get("/readyz").is_success
    assert serving(client) != name
    assert "ratecast_models_refused_total 1.0" in client.get("/metrics").text
    return ArtifactStore(place.home).verdicts()[name]


@pytest.fixture(scope="module")
def bias(ml100k: Ratings) -> Model:
    return Bias().fit(ml100k.sorted())


def test_a_new_model_takes_over_and_no_rating_is_lost(
    place: Place, bias: Model, tmp_path: Path
) -> None:
    bias.save(tmp_path / "bias")
    stop = threading.Event()
    given: list[int] = []
    answers: list[int] = []

    def write() -> None:
        with httpx.Client(base_url=client.base_url) as own:
            while not stop.is_set():
                movie = 1 + len(given) % 200
                body = {"movie": movie, "stars": 3}
                answers.append(own.post("/v1/users/9000/ratings", json=body).status_code)
                given.append(movie)

    with place.open() as client:
        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: len(given) > 20)
        name = ArtifactStore(place.home).publish(tmp_path / "bias")
        until(lambda: serving(client) == name)
        before = len(given)
        until(lambda: len(given) > before + 20)
        stop.set()
        writer.join()
        assert set(answers) == {201}
        kept = client.get("/v1/users/9000/ratings").json()["ratings"]
        assert {r["movie"]["id"] for r in kept} == set(given)
        now = client.get("/v1/predict?user=9000&movie=300").json()["forecasts"][0]
        assert now["history_length"] == len(set(given))
    with place.open() as client:
        assert serving(client) == name
        assert client.get("/v1/predict?user=9000&movie=300").json()["forecasts"][0] == now


def test_a_model_that_keeps_no_ratings_is_rebuilt(
    place: Place, bias: Model, tmp_path: Path
) -> None:
    bias.save(tmp_path / "bias")
    ArtifactStore(place.home).publish(tmp_path / "bias")
    with place.open() as client:
        path = "/v1/predict?user=9000&movie=300"
        before = client.get(path).json()
        client.post("/v1/users/9000/ratings", json={"movie": 1, "stars": 1})
        assert client.get(path).json() != before
        assert client.delete("/v1/users/9000/ratings/1").status_code == 204
        assert client.get(path).json() == before
        for path in ("/v1/users/9000/explanations/1", "/v1/movies/1/similar"):
            assert client.get(path).status_code == 409
        assert client.get("/v1/users/9000/suggestions").json()["forecasts"]


def test_a_deleted_rating_leaves_no_trace_after_a_rebuild(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is rebuilt in the background, calibration included."""
    monkeypatch.setattr("ratecast.serving.live.rebuilds.REBUILD_SECONDS", 0.0)
    with place.open() as client:
        client.post("/v1/users/9000/ratings", json={"movie": 1, "stars": 1})
        client.delete("/v1/users/9000/ratings/1")
        until(lambda: "ratecast_rebuilds_total 1.0" in client.get("/metrics").text)
        assert client.get("/v1/model").json()["users"] == 943


def test_a_torn_artifact_is_refused_where_it_is_published(place: Place, artifact: Path) -> None:
    torn = place.home / "torn"
    shutil.copytree(artifact, torn)
    with (torn / "arrays.safetensors").open("r+b") as file:
        file.seek(-8, 2)
        file.write(b"12345678")
    before = ArtifactStore(place.home).current
    with pytest.raises(InputError, match="has changed since it was saved"):
        ArtifactStore(place.home).publish(torn)
    assert ArtifactStore(place.home).current == before
    assert len(list((place.home / "models").iterdir())) == 1


def test_an_artifact_that_was_torn_later_is_refused(place: Place, bias: Model) -> None:
    bias.save(place.home / "bias")
    with place.open() as client:
        artifacts = ArtifactStore(place.home)
        name = artifacts.publish(place.home / "bias")
        (artifacts.folder(name) / "users.parquet").write_bytes(b"")
        until(lambda: name in artifacts.verdicts() or serving(client) == name)
        # Whether the look came before or after the tear, a fresh start refuses it.
    with place.open() as client:
        assert serving(client) != name
        assert "refused" in artifacts.verdicts()[name]


def test_a_model_on_another_scale_is_refused(place: Place, ml100k: Ratings) -> None:
    from dataclasses import replace

    from ratecast.ratings import Scale

    other = replace(ml100k, scale=Scale(1, 6))
    Bias().fit(other.sorted()).save(place.home / "other")
    with place.open() as client:
        with pytest.raises(InputError, match="scale"):
            ArtifactStore(place.home).publish(place.home / "other")
        name = smuggled(place.home, place.home / "other")
        assert "scale" in refused(place, client, name)


def test_a_model_with_other_ids_is_refused(place: Place, ml100k: Ratings) -> None:
    from dataclasses import replace

    named = pl.format("m{}", MOVIE).alias(MOVIE)
    text, movies = ml100k.frame.with_columns(named), ml100k.movies.with_columns(named)
    other = replace(ml100k, frame=text, movies=movies).sorted()
    Bias().fit(other).save(place.home / "other")
    with place.open() as client:
        with pytest.raises(InputError, match="another type"):
            ArtifactStore(place.home).publish(place.home / "other")
        name = smuggled(place.home, place.home / "other")
        assert "another type" in refused(place, client, name)


def test_a_model_far_from_the_old_one_is_refused(place: Place, artifact: Path) -> None:
    """One whose movies were mixed up gives forecasts that no refit would give."""
    mad = load_model(artifact)
    upside = mad.movie_parameters.parameters  # type: ignore[attr-defined]
    upside.movie_vectors[:, 0] = np.where(upside.movie_vectors[:, 0] > 0, -2, 2)
    mad.save(place.home / "mad")
    with place.open() as client:
        name = ArtifactStore(place.home).publish(place.home / "mad")
        assert "stars away" in refused(place, client, name)
    with place.open() as client:  # Also after a start: the one that served goes on.
        assert serving(client) != name


def test_without_a_model_the_service_lives_and_is_not_ready(tmp_path: Path) -> None:
    with Place(tmp_path).open(ready=False) as client:
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert client.get("/healthz").json() == {"status": "alive"}


def test_verdicts_are_plain_json(place: Place) -> None:
    with place.open() as client:
        wait(client)
        verdicts = json.loads((place.home / "verdicts.json").read_text())
        assert verdicts == {serving(client): "serving"}
