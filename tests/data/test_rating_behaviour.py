"""How people rate, of tables whose answer is known."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ratecast.data import rating_behaviour
from ratecast.errors import InputError
from ratecast.ratings import Ratings, Scale, checked

HOUR, WEEK = 3600, 7 * 86_400
# A Monday, 00:00 UTC, on which polars' weeks begin.
MONDAY = 4 * 86_400


def table(**more: pl.DataFrame) -> Ratings:
    """User 1 rates three at once and one an hour and a second later; user 2 one, a week on."""
    at = [0, 0, 0, HOUR + 1, WEEK]
    frame = pl.DataFrame(
        {
            "user": [1, 1, 1, 1, 2],
            "movie": [10, 20, 30, 10, 10],
            "rating": [1.0, 5.0, 5.0, 3.0, 2.0],
            "at": [MONDAY + second for second in at],
        }
    )
    return checked(Ratings(frame, scale=Scale(1, 5), **more))


def test_weeks_count_rows_and_newcomers() -> None:
    weeks = rating_behaviour.by_period(table())
    assert weeks.select("rows", "users", "new_users").rows() == [(4, 1, 1), (1, 1, 1)]
    assert weeks["mean"].to_list() == [3.5, 2.0]


def test_activity_is_most_first() -> None:
    movies = rating_behaviour.activity(table(), "movie")
    assert movies.select("movie", "rows", "mean").rows() == [
        (10, 3, 2.0),
        (20, 1, 5.0),
        (30, 1, 5.0),
    ]
    assert movies["std"][0] == pytest.approx(np.std([1, 3, 2]))


def test_stars_used_by_ratings_and_by_users() -> None:
    used = rating_behaviour.stars_used(table())
    assert used["ratings"].to_list() == pytest.approx([0.2, 0.2, 0.2, 0.0, 0.4])
    assert used["users"].to_list() == [0.5, 0.5, 0.5, 0.0, 0.5]


def test_a_session_ends_after_an_hour_of_silence() -> None:
    sat = rating_behaviour.sessions(table())
    assert sat.select("user", "number", "rows").rows() == [(1, 1, 3), (1, 2, 1), (2, 1, 1)]
    assert rating_behaviour.sessions(table(), gap=HOUR + 1).height == 2
    assert rating_behaviour.sessions(table(), gap=HOUR + 1)["minutes"][0] == pytest.approx(
        (HOUR + 1) / 60
    )


def test_tied_rows_are_those_of_one_user_and_second() -> None:
    assert rating_behaviour.tied_rows(table()).rows() == [(1, 2), (3, 3)]


def test_the_order_of_rows_does_not_matter() -> None:
    ordered = table()
    turned = ordered.take(np.array([3, 4, 1, 0, 2]))
    for found in (
        rating_behaviour.by_period,
        rating_behaviour.activity,
        rating_behaviour.sessions,
        rating_behaviour.tied_rows,
    ):
        assert_frame_equal(found(turned), found(ordered))


def test_places_in_the_matrix() -> None:
    rows, columns = rating_behaviour.matrix_positions(table())
    assert rows.tolist() == [0, 0, 0, 0, 1]
    assert columns.tolist() == [0, 1, 2, 0, 0]


def test_groups_of_lists_and_of_ages() -> None:
    movies = pl.DataFrame({"movie": [10, 20, 30], "genres": [["War", "Drama"], ["Drama"], None]})
    users = pl.DataFrame({"user": [1, 2], "age": [18, 60]})
    genres = rating_behaviour.grouped(table(movies=movies, users=users), "genres")
    assert genres.select("group", "ids", "rows", "mean").rows() == [
        ("War", 1, 3, 2.0), ("Drama", 2, 4, 2.75),
    ]  # fmt: skip
    ages = rating_behaviour.grouped(table(movies=movies, users=users), "age")
    assert ages.select("group", "rows").rows() == [("55 and over", 1), ("18 to 24", 4)]


def test_an_interval_counts_users_not_ratings() -> None:
    """Users whose ratings are all alike are worth one rating each, however many they give."""
    random = np.random.default_rng(0)
    level = random.choice([2.0, 4.0], 400)
    frame = pl.DataFrame(
        {
            "user": np.repeat(np.arange(400), 25),
            "movie": np.tile(np.arange(25), 400),
            "rating": np.repeat(level, 25),
        }
    )
    users = pl.DataFrame({"user": np.arange(400), "gender": ["F"] * 400})
    one = rating_behaviour.grouped(checked(Ratings(frame, users=users)), "gender").row(
        0, named=True
    )
    assert one["high"] - one["mean"] == pytest.approx(1.96 * level.std() / 20, rel=1e-6)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="column 'age': users"):
        rating_behaviour.grouped(table(), "age")
    timeless = checked(Ratings(table().frame.drop("at")))
    for found in (
        rating_behaviour.by_period,
        rating_behaviour.sessions,
        rating_behaviour.tied_rows,
        rating_behaviour.lifetimes,
    ):
        with pytest.raises(InputError, match="no timestamps"):
            found(timeless)
