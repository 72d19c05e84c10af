from itertools import pairwise

import numpy as np
import pytest

from ratecast.data.frames import ratings_of
from ratecast.metrics.scores import calibration_error
from ratecast.modelling.calibration import sampling
from ratecast.modelling.calibration.online import (
    MIN_REFIT_ROWS,
    PACKED_GROUPS,
    OnlineCalibration,
    Outcomes,
)
from ratecast.modelling.calibration.ordered_probit import OrderedProbit
from ratecast.ratings import Ratings, Scale
from ratecast.training import make_model

SCALE = Scale(1, 5)


def outcomes(rows: int, shift: float = 0.0, seed: int = 0) -> Outcomes:
    """Forecasts that sit `shift` stars below what comes, with a standard deviation of 0.9."""
    random = np.random.default_rng(seed)
    mean = random.uniform(2, 4.5, rows)
    cuts = OrderedProbit.initial(SCALE).cuts
    star = np.searchsorted(cuts, mean + shift + 0.9 * random.normal(size=rows))
    return Outcomes(mean, np.ones(rows), np.full(rows, 30), star)


def initial(rows: Outcomes) -> OnlineCalibration:
    return OnlineCalibration.initial(SCALE, np.bincount(rows.star, minlength=5))


@pytest.fixture
def fitted() -> OnlineCalibration:
    rows = outcomes(6000)
    return initial(rows).fitted(rows, rows)


def error(calibration: OnlineCalibration, rows: Outcomes) -> float:
    shares = calibration.probabilities(rows.mean, rows.history_length, rows.deviation)
    return calibration_error(shares, rows.star)


def test_a_drift_is_followed(fitted: OnlineCalibration) -> None:
    drifted = outcomes(6000, shift=0.3, seed=1)
    before = error(fitted, drifted)
    edges, first = np.arange(0, 6001, 5), np.ones(6000, bool)
    fitted.walk(drifted, edges, first)
    fitted.walk(drifted, edges, first)
    assert error(fitted, drifted) < 0.35 * before


def test_walking_equals_updating_by_tie_groups(fitted: OnlineCalibration) -> None:
    rows, edges = outcomes(3500, shift=0.2, seed=2), np.arange(0, 3501, 7)
    slow, known = OnlineCalibration.unpacked(fitted.packed()), fitted.total
    plain, first = [], np.arange(3500) % 4 > 0
    for start, stop in pairwise(edges):
        now = rows.take(slice(start, stop))
        plain.append(slow.probabilities(now.mean, now.history_length, now.deviation))
        slow.update(now.where(first[start:stop]))
    assert np.array_equal(fitted.walk(rows, edges, first), np.concatenate(plain))
    assert np.array_equal(fitted.known_users.curves, slow.known_users.curves)
    assert fitted.pending == slow.pending < MIN_REFIT_ROWS
    assert fitted.total == known + first.sum()


def test_what_comes_later_changes_no_earlier_probability(fitted: OnlineCalibration) -> None:
    rows, edges = outcomes(3000, seed=3), np.arange(0, 3001, 3)
    turned = Outcomes(rows.mean, rows.deviation, rows.history_length, rows.star.copy())
    turned.star[1500:] = 4 - turned.star[1500:]
    twin = OnlineCalibration.unpacked(fitted.packed())
    first = np.ones(3000, bool)
    before, after = fitted.walk(rows, edges, first), twin.walk(turned, edges, first)
    assert np.array_equal(before[:1503], after[:1503])
    assert not np.array_equal(before, after)


def test_new_users_have_a_std_of_their_own() -> None:
    random = np.random.default_rng(4)
    rows = outcomes(6000)
    frozen = Outcomes(rows.mean, rows.deviation, np.zeros(6000, int), random.integers(5, size=6000))
    calibration = initial(rows).fitted(frozen, rows)
    new = calibration.probabilities(np.array([3.0, 3.0]), np.array([0, 30]), None)
    assert new[0, 2] < 0.6 * new[1, 2]


def test_a_few_rows_are_not_taken_for_sure() -> None:
    """Three forecasts that hit, on a scale that all ratings use."""
    rows = Outcomes(np.array([2.0, 3.0, 4.0]), np.ones(3), np.full(3, 9), np.array([1, 2, 3]))
    shares = initial(outcomes(6000)).fitted(rows, rows).probabilities(rows.mean, rows.star, None)
    assert shares.max() < 0.6
    assert shares.min() > 5e-5


def test_an_older_artifact_has_no_frequencies(fitted: OnlineCalibration) -> None:
    whole = fitted.packed()
    old = {k: v for k, v in whole.items() if k.rpartition(".")[2] not in ("mixed", *PACKED_GROUPS)}
    old["calibration.location"] = old["calibration.location"][:2]
    assert len(old) == len(whole) - 5
    loaded = OnlineCalibration.unpacked(old)
    assert loaded.known_users.location == fitted.known_users.location
    rows = outcomes(2000, seed=9)
    assert abs(error(loaded, rows) - error(fitted, rows)) < 0.01
    loaded.walk(rows, np.arange(0, 2001, 5), np.ones(2000, bool))
    assert loaded.known_users is not loaded.prior


def test_a_large_table_is_calibrated_on_some_of_its_rows(
    ml100k: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    untimed = ratings_of(ml100k.frame.drop("at"), ml100k.scale)
    whole = make_model("bias").fit(ml100k, untimed)
    monkeypatch.setattr(sampling, "CALIBRATION_ROWS", 60_000)
    some = make_model("bias").fit(ml100k, untimed)
    assert np.array_equal(some.calibration.window.mean, whole.calibration.window.mean)
    stars = ml100k.scale.index(ml100k.stars)
    shares = [model.predict(ml100k.requests()).probabilities for model in (some, whole)]
    assert not np.array_equal(shares[0], shares[1])
    # The observed stars are as likely to both.
    part, expected = (np.log(share[np.arange(len(stars)), stars]).mean() for share in shares)
    assert part == pytest.approx(expected, abs=0.002)


def test_without_a_row_the_probit_stays(fitted: OnlineCalibration) -> None:
    nothing = outcomes(8).take(slice(0, 0))
    assert nothing.fit(fitted.prior) is fitted.prior
    assert nothing.spread(fitted.prior) is fitted.prior
