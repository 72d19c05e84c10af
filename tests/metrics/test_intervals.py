import doctest
from hashlib import sha256

import numpy as np
import pytest
from numpy.typing import NDArray

from ratecast.metrics import intervals
from ratecast.metrics.intervals import Bootstrap, holm
from ratecast.modelling.kernels import loops

F64 = NDArray[np.float64]
# Spread of a user's level, of a user's scale (log), and of a row: the planted RMSE follows.
LEVEL, SCALE, ROW = 0.4, 0.3, 1.0
PLANTED = float(np.sqrt(LEVEL**2 + ROW**2 * np.exp(2 * SCALE**2)))


def errors_of(users: int, seed: int, gap: float = 0.0) -> tuple[F64, NDArray[np.int64]]:
    """Errors of two models, (n, 2), that share most of what is wrong; `gap` makes one worse."""
    random = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), 5 + random.geometric(1 / 20, users))
    scale, level = np.exp(random.normal(0, SCALE, users)), random.normal(0, LEVEL, users)
    shared = random.normal(0, ROW, len(user)) * scale[user] + level[user]
    own = random.normal(0, 1, (2, len(user))) * [[0.2], [0.2 + gap]]
    return np.column_stack([shared, *(shared + own)]), user


def test_the_interval_holds_the_planted_rmse_about_95_times_in_100() -> None:
    held = 0
    for seed in range(300):
        errors, users = errors_of(150, seed)
        low, high = Bootstrap.of(errors[:, :1], users, draws=500, seed=seed).intervals()[0]
        held += low < PLANTED < high
    assert 0.91 <= held / 300 <= 0.98


def test_rows_alone_would_promise_too_much() -> None:
    errors, users = errors_of(150, 0)
    by_user = np.diff(Bootstrap.of(errors, users, draws=500).intervals())
    by_row = np.diff(Bootstrap.of(errors, np.arange(len(users)), draws=500).intervals())
    assert (by_user > 1.2 * by_row).all()


def test_chance_is_called_a_difference_about_5_times_in_100() -> None:
    alarms = 0
    for seed in range(300):
        errors, users = errors_of(100, seed)
        alarms += Bootstrap.of(errors[:, 1:], users, draws=500, seed=seed).compare()[0].p < 0.05
    assert 0.02 <= alarms / 300 <= 0.09


def test_a_planted_difference_is_found_and_said_the_right_way_round() -> None:
    errors, users = errors_of(150, 1, gap=0.4)
    found = Bootstrap.of(errors[:, 1:], users).compare()[0]
    assert (found.first, found.second) == (0, 1)
    assert found.low < found.estimate < found.high < 0
    assert found.p < 0.001
    assert found.significant
    # The two models' own intervals overlap: only the pairing tells them apart.
    (_, high), (low, _) = Bootstrap.of(errors[:, 1:], users).intervals()
    assert high > low


def test_p_and_interval_agree() -> None:
    for seed in range(40):
        errors, users = errors_of(60, seed, gap=0.1)
        found = Bootstrap.of(errors[:, 1:], users, draws=999).compare()[0]
        assert (found.p < 0.048) <= (found.low > 0 or found.high < 0)
        assert (found.p > 0.052) <= (found.low <= 0 <= found.high)


def test_the_same_model_twice_is_never_different() -> None:
    errors, users = errors_of(30, 0)
    found = Bootstrap.of(errors[:, [1, 1]], users, draws=200).compare()[0]
    assert (found.estimate, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_the_seed_decides_and_ids_may_be_words() -> None:
    errors, users = errors_of(30, 0)
    words = np.array([f"u{user:03}" for user in users])
    first, second = (Bootstrap.of(errors, ids, draws=50) for ids in (users, words))
    assert (first.draws == second.draws).all()
    assert (Bootstrap.of(errors, users, draws=50, seed=1).draws != first.draws).any()


def test_blocks_of_draws_do_not_change_them(monkeypatch: pytest.MonkeyPatch) -> None:
    errors, users = errors_of(30, 0)
    whole = Bootstrap.of(errors, users, draws=50)
    monkeypatch.setattr(intervals, "_BLOCK", 7 * 30)
    assert (Bootstrap.of(errors, users, draws=50).draws == whole.draws).all()


def test_the_bits_are_the_same_on_every_processor() -> None:
    # Division, product, sum and root are rounded alike everywhere, and the order is our own.
    errors = (1.0 / np.arange(1, 601)).reshape(200, 3)
    found = Bootstrap.of(errors, np.arange(200) % 23, draws=40)
    bits = sha256(found.estimates.tobytes() + found.draws.tobytes() + found.intervals().tobytes())
    assert bits.hexdigest()[:16] == "10db5f98b7812b86"


def test_rmse_is_over_all_rows() -> None:
    errors, users = errors_of(30, 0)
    rmse = np.sqrt((errors**2).mean(axis=0))
    assert Bootstrap.of(errors, users, draws=10).estimates == pytest.approx(rmse)


def test_means_over_users_are_those_of_one_row_a_user() -> None:
    errors, _ = errors_of(30, 0)
    values, users = errors[:40] ** 2, np.arange(40)
    means, roots = Bootstrap.of_means(values, draws=50), Bootstrap.of(errors[:40], users, draws=50)
    assert means.estimates == pytest.approx(values.mean(axis=0))
    assert (np.sqrt(means.draws) == roots.draws).all()
    assert means.compare()[0].estimate == pytest.approx(
        values.mean(axis=0)[0] - values[:, 1].mean()
    )


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((50, 3))
    draws = []
    for threads in (1, 3):
        monkeypatch.setattr(loops, "thread_count", lambda threads=threads: threads)
        draws.append(Bootstrap.of_means(values, draws=100).draws)
    assert (draws[0] == draws[1]).all()


def test_holm_keeps_the_order_and_never_passes_one() -> None:
    assert holm(np.array([0.5, 0.001, 0.4])).tolist() == pytest.approx([0.8, 0.003, 0.8])
    assert holm(np.array([])).tolist() == []


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(intervals).failed == 0
