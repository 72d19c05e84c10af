"""A refit that learns every stored rating is compared by a second fit that stops earlier."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ratecast.cli.held_back import held_back
from ratecast.errors import InputError
from ratecast.models import load_model
from ratecast.models.bias import Bias
from ratecast.models.mean import Mean
from ratecast.ratings import Ratings
from ratecast.serving.live.acceptance_checks import check_recent
from ratecast.serving.live.held_back import held_back_after
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.live.served_model import load
from ratecast.serving.live.training_table import training_table
from ratecast.serving.quality.comparison import FORCED, read_comparison
from ratecast.serving.store.database import RatingEvent, Store

RATED, EACH = 60, 25


@pytest.fixture
def store(tmp_path: Path, ml100k: Ratings) -> Iterator[Store]:
    """A store with ratings of real users, given by new ones, one commit each."""
    opened = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    opened.lock.take()
    frame = ml100k.frame.unique(["user", "movie"], keep="last", maintain_order=True)
    frame = frame.filter(frame["user"] <= RATED).group_by("user", maintain_order=True).head(EACH)
    rows = frame.select("user", "movie", "rating").rows()
    events = [
        RatingEvent(str(9000 + user), str(movie), stars, 2_000_000_000 + k, k, k)
        for k, (user, movie, stars) in enumerate(rows, 1)
    ]
    opened.write(list(events), [])
    yield opened
    opened.close()


def fitted(ratings: Ratings, folder: Path, model: type[Bias | Mean] = Bias) -> Path:
    model().fit(ratings).save(folder / "artifact")
    return folder / "artifact"


def test_the_second_fit_forecasts_what_it_did_not_learn(
    store: Store, tmp_path: Path, ml100k: Ratings
) -> None:
    artifacts, given, stored = (
        ArtifactStore(tmp_path / "home"),
        ml100k.sorted(),
        store.events_since(),
    )
    seen: list[int] = []

    def train(ratings: Ratings, folder: Path) -> Path:
        seen.append(len(ratings) - len(given))
        return fitted(ratings, folder)

    assert held_back(train, artifacts, given, stored) is None
    served = artifacts.publish(fitted(given, tmp_path / "first"))
    rows = held_back(train, artifacts, given, stored)
    after = held_back_after(stored, 0)
    assert rows is not None
    assert after is not None
    assert seen == [after] == [len(stored.ratings) // 2]
    assert rows.seq.tolist() == list(range(after + 1, len(stored.ratings) + 1))
    # Its artifact is gone.
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"models", "current"}

    whole = fitted(training_table(given, stored), tmp_path / "whole")
    name = artifacts.publish(whole, stored.last, held_back=rows)
    new, now = (load(artifacts.folder(each), stored) for each in (name, served))
    assert new.recent.rows() is None
    check_recent(artifacts.folder(name), new, now.recent.rows())
    found = read_comparison(artifacts.folder(name))
    assert found is not None
    assert found.n == len(rows)
    errors = rows.forecast.stars - rows.given.stars.astype(float)
    assert found.rmse == pytest.approx(np.sqrt(np.mean(errors**2)), abs=1e-12)
    assert found.p is not None


def test_training_that_became_worse_is_refused_unless_forced(
    store: Store, tmp_path: Path, ml100k: Ratings
) -> None:
    artifacts, given, stored = (
        ArtifactStore(tmp_path / "home"),
        ml100k.sorted(),
        store.events_since(),
    )
    served = artifacts.publish(fitted(given, tmp_path / "first"))
    rows = held_back(
        lambda ratings, folder: fitted(ratings, folder, Mean), artifacts, given, stored
    )
    whole = fitted(training_table(given, stored), tmp_path / "whole", Mean)
    name = artifacts.publish(whole, stored.last, held_back=rows)
    new, now = (load(artifacts.folder(each), stored) for each in (name, served))
    with pytest.raises(InputError, match="worse than the served model: RMSE"):
        check_recent(artifacts.folder(name), new, now.recent.rows())
    forced = artifacts.publish(whole, stored.last, force=True, held_back=rows)
    check_recent(artifacts.folder(forced), new, now.recent.rows())
    found = read_comparison(artifacts.folder(forced))
    assert found is not None
    assert found.forced


def test_an_artifact_published_again_is_compared_again(tmp_path: Path, ml100k: Ratings) -> None:
    """Its marks are of the time before."""
    artifacts = ArtifactStore(tmp_path / "home")
    first = artifacts.publish(fitted(ml100k.sorted(), tmp_path / "first"), 7, force=True)
    other = ArtifactStore(tmp_path / "other")
    again = other.folder(other.publish(artifacts.folder(first)))
    assert not (again / FORCED).exists()
    assert load_model(again).name == "bias"
