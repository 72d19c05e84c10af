"""The API with a model of continuous ratings."""

from collections.abc import Iterator

import httpx
import pytest

from ratecast.data.example import example_ratings
from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import Scale
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.page.stars import histogram, values_of
from ratecast.serving.records import MovieForecast
from tests.serving.place import Place

JESTER = Scale(-10, 10, None)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    model = StateSpace(factors=2, co_rating_factors=2, iterations=2)
    model.fit(example_ratings(scale=JESTER)).save(home / "fitted")
    ArtifactStore(home).publish(home / "fitted")
    with Place(home).open() as opened:
        yield opened


def test_a_forecast_has_quantiles(client: httpx.Client) -> None:
    about = client.get("/v1/model").json()
    assert (about["scale"], about["continuous"]) == ([-10, 10], True)
    forecast = client.get("/v1/predict", params={"user": 1, "movie": 2}).json()["forecasts"][0]
    assert len(forecast["probabilities"]) == 16
    assert sum(forecast["probabilities"].values()) == pytest.approx(1)
    values = list(forecast["quantiles"].values())
    assert values == sorted(values)
    assert forecast["interval"] == [forecast["quantiles"]["0.1"], forecast["quantiles"]["0.9"]]
    assert -10 <= forecast["interval"][0] < forecast["stars"] < forecast["interval"][1] <= 10


def test_any_rating_of_the_range_is_taken_and_kept(client: httpx.Client) -> None:
    user = client.post("/v1/users").json()["user"]
    path = f"/v1/users/{user}/ratings"
    before = client.get("/v1/predict", params={"user": user, "movie": 3}).json()
    assert client.post(path, json={"movie": 2, "stars": -9.87}).status_code == 201
    assert [each["stars"] for each in client.get(path).json()["ratings"]] == [-9.87]
    after = client.get("/v1/predict", params={"user": user, "movie": 3}).json()
    assert after["forecasts"][0]["stars"] < before["forecasts"][0]["stars"]
    refused = client.post(path, json={"movie": 2, "stars": 10.1})
    assert refused.status_code == 422
    assert "not on the scale -10:10:continuous" in refused.text


def test_the_page_offers_values_and_draws_ranges(client: httpx.Client) -> None:
    values = values_of(JESTER)
    assert (len(values), values[0], values[100], values[-1]) == (201, -10, 0, 10)
    assert values_of(Scale(1, 5)) == [1, 2, 3, 4, 5]
    record = client.get("/v1/predict", params={"user": 1, "movie": 2}).json()["forecasts"][0]
    assert histogram(MovieForecast(**record)).count("<i ") == 16
