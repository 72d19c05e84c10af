"""The service, the command line and the evaluation give the same forecast, to the last bit."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.cli import main
from ratecast.models import load_model
from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import AT, MOVIE, USER, Ratings
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.store.database import Event, RatingEvent, Store
from ratecast.splits import chronological
from tests.serving.place import Place

MOMENTS = 60


@pytest.fixture(scope="module")
def split(ml100k: Ratings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ratings]:
    """A model that was fitted on train and knows nothing of validation, and validation."""
    parts = chronological(ml100k)
    folder = tmp_path_factory.mktemp("split") / "artifact"
    StateSpace(factors=2, co_rating_factors=2, iterations=2).fit(parts.train, parts.valid).save(
        folder
    )
    assert parts.valid is not None
    return folder, parts.valid


def test_the_command_line_says_what_the_service_says(
    place: Place, artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with place.open() as client:
        for user in ("196", "424242"):
            words = ["--artifact", str(artifact), "--user", user, "--movie", "242", "--json"]
            assert main(["predict", *words]) == 0
            said = json.loads(capsys.readouterr().out)
            asked = client.get("/v1/predict", params={"user": user, "movie": 242}).json()
            (found,) = asked["forecasts"]
            for name in ("stars", "probabilities", "history_length", "basis"):
                assert found[name] == said[name]


def test_the_service_forecasts_what_the_evaluation_scores(
    split: tuple[Path, Ratings], tmp_path: Path
) -> None:
    """As-of: of one moment after another, first what the service says, then it hears."""
    folder, valid = split
    movies = load_model(folder).movies.table[MOVIE]
    known = valid.take(valid.frame[MOVIE].is_in(movies.implode()))
    last = known.frame[AT].unique().sort()[MOMENTS]
    # A service is told no age or occupation of who comes.
    stream = Ratings(known.frame.filter(pl.col(AT) < last), scale=known.scale)
    walked = load_model(folder).walk(stream)
    ArtifactStore(tmp_path).publish(folder)
    place, row = Place(tmp_path), 0
    store = Store(place.url)
    for moment, (_, part) in enumerate(stream.frame.group_by(AT, maintain_order=True), 1):
        if moment % 12 == 1:
            asked = [{"user": u, "movie": m} for u, m in part.select(USER, MOVIE).iter_rows()]
            with place.open() as client:
                answer = client.post("/v1/predict", json={"requests": asked}).json()
            for found in answer["forecasts"]:
                assert found["forecast"]["stars"] == walked.stars[row]
                shares = list(found["forecast"]["probabilities"].values())
                assert np.array_equal(shares, walked.probabilities[row])
                row += 1
        else:
            row += len(part)
        store.write(_given(part, moment, row - len(part)), [])
    store.close()
    assert row == len(stream) > MOMENTS


def _given(part: pl.DataFrame, moment: int, before: int) -> list[Event]:
    return [
        RatingEvent(str(user), str(movie), float(stars), at, moment, before + k + 1)
        for k, (user, movie, stars, at) in enumerate(part.iter_rows())
    ]
