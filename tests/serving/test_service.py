"""Service, command line and evaluation give the same forecast, to the bit."""

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

TIME_GROUPS = 60


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


def test_the_command_line_forecasts_what_the_service_forecasts(
    place: Place, artifact: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with place.open() as client:
        for user in ("196", "424242"):
            words = ["--artifact", str(artifact), "--user", user, "--movie", "242", "--json"]
            assert main(["predict", *words]) == 0
            printed = json.loads(capsys.readouterr().out)
            response = client.get("/v1/predict", params={"user": user, "movie": 242}).json()
            (found,) = response["forecasts"]
            for name in ("stars", "probabilities", "history_length", "basis"):
                assert found[name] == printed[name]


def test_the_service_forecasts_what_the_evaluation_scores(
    split: tuple[Path, Ratings], tmp_path: Path
) -> None:
    """As-of: for one time group after another, forecast, then update."""
    folder, valid = split
    movies = load_model(folder).movies.table[MOVIE]
    known = valid.take(valid.frame[MOVIE].is_in(movies.implode()))
    last = known.frame[AT].unique().sort()[TIME_GROUPS]
    # A service gets no side information of new users.
    stream = Ratings(known.frame.filter(pl.col(AT) < last), scale=known.scale)
    walked = load_model(folder).walk(stream)
    ArtifactStore(tmp_path).publish(folder)
    place, row = Place(tmp_path), 0
    store = Store(place.url)
    store.lock.take()
    for commit, (_, part) in enumerate(stream.frame.group_by(AT, maintain_order=True), 1):
        if commit % 12 == 1:
            requests = [{"user": u, "movie": m} for u, m in part.select(USER, MOVIE).iter_rows()]
            # One of them at a time may write.
            store.lock.release()
            with place.open() as client:
                answer = client.post("/v1/predict", json={"requests": requests}).json()
            store.lock.take()
            for found in answer["forecasts"]:
                assert found["forecast"]["stars"] == walked.stars[row]
                shares = list(found["forecast"]["probabilities"].values())
                assert np.array_equal(shares, walked.probabilities[row])
                row += 1
        else:
            row += len(part)
        store.write(_given(part, commit, row - len(part)), [])
    store.close()
    assert row == len(stream) > TIME_GROUPS


def _given(part: pl.DataFrame, commit: int, before: int) -> list[Event]:
    return [
        RatingEvent(str(user), str(movie), float(stars), at, commit, before + k + 1)
        for k, (user, movie, stars, at) in enumerate(part.iter_rows())
    ]
