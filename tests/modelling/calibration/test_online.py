from itertools import pairwise

import numpy as np
import pytest

from ratecast.evaluation.metrics import calibration_error
from ratecast.modelling.calibration import sampling
from ratecast.modelling.calibration.online import FEWEST, Calibration, Outcomes
from ratecast.modelling.calibration.ordered_probit import StarNoise
from ratecast.ratings import Ratings, Scale
from ratecast.training import make_model

SCALE = Scale(1, 5)


def told(rows: int, shift: float = 0.0, seed: int = 0) -> Outcomes:
    """Forecasts that sit `shift` stars below what comes, with a spread of 0.9."""
    random = np.random.default_rng(seed)
    mean = random.uniform(2, 4.5, rows)
    cuts = StarNoise.flat(SCALE).cuts
    star = np.searchsorted(cuts, mean + shift + 0.9 * random.normal(size=rows))
    return Outcomes(mean, np.ones(rows), np.full(rows, 30), star)


@pytest.fixture
def fitted() -> Calibration:
    rows = told(6000)
    return Calibration.flat(SCALE, 50_000).fitted(rows, rows)


def error(calibration: Calibration, rows: Outcomes) -> float:
    shares = calibration.probabilities(rows.mean, rows.heard, rows.deviation)
    return calibration_error(shares, rows.star)


def test_a_drift_is_followed(fitted: Calibration) -> None:
    drifted = told(6000, shift=0.3, seed=1)
    before = error(fitted, drifted)
    edges = np.arange(0, 6001, 5)
    fitted.walk(drifted, edges)
    fitted.walk(drifted, edges)
    assert error(fitted, drifted) < 0.35 * before


def test_walking_is_hearing_moment_by_moment(fitted: Calibration) -> None:
    rows, edges = told(3500, shift=0.2, seed=2), np.arange(0, 3501, 7)
    slow = Calibration.unpacked(fitted.packed())
    plain = []
    for start, stop in pairwise(edges):
        now = rows.take(slice(start, stop))
        plain.append(slow.probabilities(now.mean, now.heard, now.deviation))
        slow.hear(now)
    assert np.array_equal(fitted.walk(rows, edges), np.concatenate(plain))
    assert np.array_equal(fitted.noise.curves, slow.noise.curves)
    assert fitted.due == slow.due == 3500 % (-(-FEWEST // 7) * 7)


def test_what_comes_later_changes_no_earlier_probability(fitted: Calibration) -> None:
    rows, edges = told(3000, seed=3), np.arange(0, 3001, 3)
    turned = Outcomes(rows.mean, rows.deviation, rows.heard, rows.star.copy())
    turned.star[1500:] = 4 - turned.star[1500:]
    twin = Calibration.unpacked(fitted.packed())
    before, after = fitted.walk(rows, edges), twin.walk(turned, edges)
    assert np.array_equal(before[:1503], after[:1503])
    assert not np.array_equal(before, after)


def test_strangers_have_a_spread_of_their_own() -> None:
    random = np.random.default_rng(4)
    rows = told(6000)
    cold = Outcomes(rows.mean, rows.deviation, np.zeros(6000, int), random.integers(5, size=6000))
    calibration = Calibration.flat(SCALE, 6000).fitted(cold, rows)
    new = calibration.probabilities(np.array([3.0, 3.0]), np.array([0, 30]), None)
    assert new[0, 2] < 0.6 * new[1, 2]


def test_few_rows_leave_it_near_flat() -> None:
    flat = Calibration.flat(SCALE, 3)
    rows = told(3)
    near = flat.fitted(rows, rows).probabilities(rows.mean, rows.heard, None)
    plain = flat.probabilities(rows.mean, rows.heard, None)
    assert np.abs(near - plain).max() < 0.25


def test_a_large_table_is_calibrated_on_some_of_its_rows(
    ml100k: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_model("bias").fit(ml100k)
    monkeypatch.setattr(sampling, "CALIBRATION_ROWS", 60_000)
    some = make_model("bias").fit(ml100k)
    assert np.array_equal(some.calibration.window.mean, whole.calibration.window.mean)
    stars = ml100k.scale.index(ml100k.stars)
    shares = [model.predict(ml100k.requests()).probabilities for model in (some, whole)]
    assert not np.array_equal(shares[0], shares[1])
    # What was seen is as likely to both.
    found, wanted = (np.log(share[np.arange(len(stars)), stars]).mean() for share in shares)
    assert found == pytest.approx(wanted, abs=0.002)
