"""What every movie is to a user: what is left of the catalogue once ratings are heard."""

from pathlib import Path

import numpy as np
import pytest

from ratecast.serving.live.served_model import load
from ratecast.serving.live.state import LiveState
from ratecast.serving.store.database import RatingEvent, RemovalEvent, StoredEvents

NOBODY = 5000


@pytest.fixture
def live(artifact: Path) -> LiveState:
    return LiveState(load(artifact, StoredEvents([], [], 0)), [])


def given(movie: int, seq: int) -> RatingEvent:
    return RatingEvent(str(NOBODY), str(movie), 4.0, 2_000_000_000, seq, seq)


def rated(live: LiveState, user: int) -> set[object]:
    """Movies of the catalogue that are not left."""
    ids = live.served.catalogue.ids
    return {ids[line] for line in np.flatnonzero(~live.catalogue_scores(user).unrated)}


def test_what_the_model_heard_is_not_left(live: LiveState) -> None:
    assert rated(live, 196) == set(live.ratings_of(196))
    assert len(rated(live, 196)) == 39


def test_what_is_given_is_not_left_until_it_is_taken_back(live: LiveState) -> None:
    assert rated(live, NOBODY) == set()
    live.apply([given(50, 1), given(242, 2)])
    assert rated(live, NOBODY) == {50, 242}
    live.apply([RemovalEvent(str(NOBODY), "50", 3)])
    assert rated(live, NOBODY) == {242}


def test_a_movie_that_the_catalogue_lacks_is_passed_over(live: LiveState) -> None:
    live.apply([given(99_999, 1), given(50, 2)])
    assert set(live.ratings_of(NOBODY)) == {50, 99_999}
    assert rated(live, NOBODY) == {50}
