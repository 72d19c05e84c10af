"""The live state: which movies of the catalogue a user has not rated."""

from pathlib import Path

import numpy as np
import pytest

from ratecast.serving.live.served_model import load
from ratecast.serving.live.state import LiveState
from ratecast.serving.store.database import RatingEvent, RemovalEvent, StoredEvents
from ratecast.serving.store.deleted_users import DeletedUsers, digest_of_user

UNKNOWN = 5000


@pytest.fixture
def live(artifact: Path) -> LiveState:
    return LiveState(load(artifact, StoredEvents([], [], 0)), [])


def given(movie: int, seq: int) -> RatingEvent:
    return RatingEvent(str(UNKNOWN), str(movie), 4.0, 2_000_000_000, seq, seq)


def rated(live: LiveState, user: int) -> set[object]:
    """Movies of the catalogue that the user has rated."""
    ids = live.served.catalogue.ids
    return {ids[line] for line in np.flatnonzero(~live.catalogue_scores(user).unseen)}


def test_movies_that_the_model_observed_are_not_unrated(live: LiveState) -> None:
    assert rated(live, 196) == set(live.ratings_of(196))
    assert len(rated(live, 196)) == 39


def test_a_given_movie_is_not_unrated_until_the_rating_is_deleted(live: LiveState) -> None:
    assert rated(live, UNKNOWN) == set()
    live.apply([given(50, 1), given(242, 2)])
    assert rated(live, UNKNOWN) == {50, 242}
    live.apply([RemovalEvent(str(UNKNOWN), "50", 3)])
    assert rated(live, UNKNOWN) == {242}


def test_a_movie_outside_the_catalogue_is_skipped(live: LiveState) -> None:
    live.apply([given(99_999, 1), given(50, 2)])
    assert set(live.ratings_of(UNKNOWN)) == {50, 99_999}
    assert rated(live, UNKNOWN) == {50}


def test_the_number_of_a_deleted_user_is_not_given_again(live: LiveState) -> None:
    key = "key"
    gone = DeletedUsers(key, {digest_of_user(key, str(number)): 9 for number in range(944, 4000)})
    again = LiveState(live.served, [], (), gone)
    assert [again.next_user(), again.next_user()] == [4000, 4001]
    again.apply([RemovalEvent("4002", None, 10)])
    assert again.next_user() == 4003
