"""A service of a model that knows movies by side information alone."""

from pathlib import Path

import pytest

from ratecast.models import load_model, model_class
from ratecast.serving.live.published import ArtifactStore
from tests.planted import planted, with_sides
from tests.serving.place import Place


@pytest.mark.parametrize("name", ["cold_start", "state_space"])
def test_they_are_forecast_recommended_and_rated(name: str, tmp_path: Path) -> None:
    train = with_sides(planted())
    artifact = tmp_path / "artifact"
    model_class(name)().fit(train.take(train.frame["movie"] <= 35)).save(artifact)
    expected = load_model(artifact).predict([1], [38])
    home = tmp_path / "home"
    ArtifactStore(home).publish(artifact)
    with Place(home).open() as client:
        (found,) = client.get("/v1/predict?user=1&movie=38").json()["forecasts"]
        assert found["stars"] == pytest.approx(expected.stars[0], rel=1e-12)
        assert (found["basis"], found["movie"]["seen"]) == ("new movie", 0)
        assert len(client.get("/v1/catalogue").json()["movies"]) == 40
        page = client.get("/v1/users/999/recommendations?n=100").json()["forecasts"]
        assert {one["movie"]["id"] for one in page} == set(range(1, 41))
        given = client.post("/v1/users/1/ratings", json={"movie": 38, "stars": 5})
        assert given.status_code == 201
        (later,) = client.get("/v1/predict?user=2&movie=38").json()["forecasts"]
        assert later["basis"] == "user and movie known"
