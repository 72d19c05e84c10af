"""A worse model is shown to be worse; an equal one is refused at the stated level."""

from pathlib import Path

import numpy as np
import pytest

from ratecast.serving.live.held_back import (
    as_of_stars,
    held_back_after,
    until,
    write_held_back,
)
from ratecast.serving.quality.comparison import (
    LEAST_ROWS,
    LEVEL,
    Comparison,
    compare,
    read_comparison,
)
from ratecast.serving.store.database import RatingEvent, StoredEvents
from tests.serving.quality.rows import by_user, drawn, worse


def test_a_worse_model_is_shown_to_be_worse() -> None:
    rows = drawn(np.random.default_rng(0), 2_000)
    bad = worse(rows, 0.4)
    found = compare(bad.seq, bad.forecast.stars, rows)
    assert found.is_worse
    assert (found.n, found.users) == (2_000, 100)
    assert found.rmse is not None
    assert found.served_rmse is not None
    assert found.difference == found.rmse - found.served_rmse > 0
    assert not compare(rows.seq, rows.forecast.stars, bad).is_worse


def test_the_same_forecasts_are_not_worse() -> None:
    rows = drawn(np.random.default_rng(0), 2_000)
    found = compare(rows.seq, rows.forecast.stars, rows)
    assert found.p == 1.0
    assert found.difference == 0


def test_only_the_ratings_of_both_count() -> None:
    rows = drawn(np.random.default_rng(0), 2_000)
    later = rows.take(rows.seq > 1_000)
    assert compare(later.seq, later.forecast.stars, rows).n == 1_000
    assert compare(later.seq, later.forecast.stars, rows.take(rows.seq <= 1_000)) == Comparison()
    assert compare(later.seq, later.forecast.stars, None) == Comparison()


def test_a_few_ratings_are_no_test() -> None:
    rows = drawn(np.random.default_rng(0), LEAST_ROWS - 1)
    bad = worse(rows, 1.0)
    found = compare(bad.seq, bad.forecast.stars, rows)
    assert found.p is None
    assert not found.is_worse
    assert "too few for a test" in str(found)


def test_equal_models_are_refused_at_the_level_though_errors_go_by_user() -> None:
    """Two models with errors of the same size, which all ratings of a user share."""
    random, refused, draws = np.random.default_rng(0), 0, 200
    for _ in range(draws):
        rows = drawn(random, 600)
        other = worse(rows, 0.0)
        object.__setattr__(other.forecast, "stars", by_user(rows, 0.3, random))
        refused += compare(rows.seq, by_user(rows, 0.3, random), other).is_worse
    assert refused <= draws * LEVEL + 3 * np.sqrt(draws * LEVEL)


def test_it_is_kept_beside_the_artifact(tmp_path: Path) -> None:
    found = Comparison(400, 40, 1.01, 1.0, 0.01, 0.3)
    found.write(tmp_path)
    assert read_comparison(tmp_path) == found
    assert "p = 0.3000" in str(found)
    assert read_comparison(tmp_path / "other") is None
    few = str(Comparison(1, 1, 1.01, 1.0, 0.01))
    assert few.endswith(
        "on 1 recent rating of 1 user; too few for a test, which needs 300 ratings of 30 users"
    )
    forced = Comparison(400, 40, 2.0, 1.0, 1.0, 0.0001, forced=True)
    assert not forced.is_worse
    assert "--force" in str(forced)


def stored(count: int) -> StoredEvents:
    events = [RatingEvent("1", str(k), 3.0, k, k, 2 * k) for k in range(1, count + 1)]
    return StoredEvents(events, [], 2 * count)


@pytest.mark.parametrize(
    ("count", "learned_to", "after"),
    [(599, 0, None), (600, 0, 600), (600, 2, None), (700, 100, 750)],
)
def test_the_newer_half_of_what_the_served_model_did_not_learn_is_held_back(
    count: int, learned_to: int, after: int | None
) -> None:
    assert held_back_after(stored(count), learned_to) == after
    if after is not None:
        kept = until(stored(count), after)
        assert kept.last == kept.ratings[-1].seq == after


def test_forecasts_held_back_stand_beside_those_of_later_ratings(tmp_path: Path) -> None:
    rows = drawn(np.random.default_rng(0), 20)
    assert len(as_of_stars(tmp_path, None).seq) == 0
    write_held_back(tmp_path, rows.take(rows.seq <= 12))
    found = as_of_stars(tmp_path, rows.take(rows.seq > 12))
    assert (found.seq == rows.seq).all()
    assert (found.stars == rows.forecast.stars).all()
