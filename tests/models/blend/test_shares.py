"""Shares learned from held forecasts: those that were planted, and never worse than a part."""

import numpy as np
import pytest

from ratecast.models.blend.shares import HeldForecasts, Shares

NAMES = ("one", "two", "three")


def held(rows: int, seed: int = 0) -> HeldForecasts:
    """Stars = mean of the first two forecasts for known users, and the third for new ones."""
    random = np.random.default_rng(seed)
    means = 3 + random.normal(0, 1, (rows, 3))
    history = np.where(random.random(rows) < 0.5, 0, 1000)
    known = (means[:, 0] + means[:, 1]) / 2
    stars = np.where(history == 0, means[:, 2], known) + random.normal(0, 0.1, rows)
    return HeldForecasts(means, stars, history, np.arange(rows))


def equal() -> Shares:
    return Shares.of({}, {}, NAMES, 3.0)


def test_planted_shares_are_found() -> None:
    shares = equal().learned(held(4_000))
    np.testing.assert_allclose(shares.known, [0.5, 0.5, 0.0], atol=0.02)
    np.testing.assert_allclose(shares.new, [0.0, 0.0, 1.0], atol=0.02)


def test_the_damping_of_least_error_is_taken() -> None:
    random = np.random.default_rng(0)
    means, history = 3 + random.normal(0, 1, (4_000, 3)), random.integers(0, 100, 4_000)
    new = 10 / (10 + history)
    stars = new * means[:, 0] + (1 - new) * means[:, 1]
    assert equal().learned(HeldForecasts(means, stars, history, np.arange(4_000))).damping == 10


@pytest.mark.parametrize("rows", [0, 1, 3, 30])
def test_few_rows_leave_the_shares_near_the_start(rows: int) -> None:
    start = Shares.of({"one": 1.0}, {"two": 0.5, "three": 0.5}, NAMES, 3.0)
    table = held(30)
    first = table.where(np.arange(30) < rows)
    shares = start.learned(first)
    assert shares.new.sum() == pytest.approx(1)
    assert shares.known.sum() == pytest.approx(1)
    moved = np.abs(shares.new - start.new).max()
    assert moved < 0.02 + rows / 50


@pytest.mark.parametrize("seed", range(5))
def test_a_mean_is_not_worse_than_its_best_part(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.normal(3, 1, 5_000)
    noise = random.normal(0, [0.5, 0.6, 2.0], (5_000, 3))
    history, users = random.integers(0, 50, 5_000), np.arange(5_000)
    rows = HeldForecasts(truth[:, None] + noise, truth, history, users)
    first, second = (rows.where(users % 2 == part) for part in (0, 1))
    shares = equal().learned(first)
    best = min(second.rmse(column) for column in second.means.T)
    assert second.rmse(shares.blended(second)) < best + 0.001


def test_small_shares_are_left_out() -> None:
    shares = Shares.of(
        {"one": 0.98, "two": 0.02}, {"one": 0.5, "two": 0.01, "three": 0.49}, NAMES, 3.0
    )
    kept = shares.without(0.03)
    assert kept.names == ("one", "three")
    np.testing.assert_allclose(kept.known, np.array([0.5, 0.49]) / 0.99)
    assert Shares.of({}, {}, NAMES, 3.0).without(0.9).names == NAMES


def test_many_rows_of_a_few_new_users_say_little() -> None:
    table, start = held(4_000), Shares.of({"one": 1.0}, {"one": 1.0}, NAMES, 3.0)
    of_many = start.learned(table)
    of_few = start.learned(table._replace(users=np.arange(4_000) % 3))
    assert of_many.new[2] > 0.95
    assert of_few.new[2] < 0.5
    np.testing.assert_allclose(of_few.known, of_many.known, atol=0.01)
