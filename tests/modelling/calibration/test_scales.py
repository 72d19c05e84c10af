"""Probabilities are right whatever the scale is, for models with and without a deviation."""

import numpy as np
import pytest
from scipy.special import ndtr

from ratecast.arrays import F64
from ratecast.metrics.scores import interval_coverage
from ratecast.modelling.calibration.online import OnlineCalibration, Outcomes
from ratecast.ratings import Scale

ROWS = 8_000
SCALES = [
    *(Scale(0, 1), Scale(1, 3), Scale(1, 5), Scale(0.5, 5, 0.5), Scale(0, 10), Scale(0, 20)),
    *(Scale(-10, 10), Scale(0, 100), Scale(0, 1000, 10)),
    *(Scale(0, 1, None), Scale(-10, 10, None), Scale(0, 1e6, None)),
]


def drawn(scale: Scale, std: float, own: float, seed: int, every: int = 1) -> tuple[Outcomes, F64]:
    """Outcomes that are normally distributed around their forecasts, and their probabilities.

    std: of the ratings, by the width of the scale. own: unit of the model's own deviations; 0: it
    has none. every: only every so many-th star is given.
    """
    random, width = np.random.default_rng(seed), scale.high - scale.low
    mean = random.uniform(scale.low + 0.1 * width, scale.high - 0.1 * width, ROWS)
    deviation = random.uniform(0.5, 1.5, ROWS) if own else np.ones(ROWS)
    stars = scale.stars[::every]
    cuts = (stars[1:] + stars[:-1]) / 2
    given = np.searchsorted(cuts, mean + std * width * deviation * random.normal(size=ROWS))
    below = ndtr((cuts - mean[:, None]) / (std * width * deviation[:, None]))
    shares = np.diff(np.column_stack([np.zeros(ROWS), below, np.ones(ROWS)]), axis=1)
    history = random.choice([0, 3, 10, 50], ROWS)
    outcomes = Outcomes(mean, (own or 1) * deviation, history, given * every)
    return outcomes, shares[np.arange(ROWS), given]


def calibrated(scale: Scale, rows: Outcomes) -> OnlineCalibration:
    stars = np.bincount(rows.star, minlength=len(scale.stars))
    return OnlineCalibration.initial(scale, stars).fitted(rows, rows)


def scored(calibration: OnlineCalibration, rows: Outcomes) -> tuple[float, float]:
    """NLL of the stars, and coverage of the 80 % interval."""
    shares = calibration.probabilities(rows.mean, rows.history_length, rows.deviation)
    nll = -np.log(shares[np.arange(len(rows)), rows.star]).mean()
    return float(nll), interval_coverage(shares, rows.star)


@pytest.mark.parametrize("own", [0.0, 1.0, 300.0], ids=["none", "stars", "another unit"])
@pytest.mark.parametrize("std", [0.05, 0.25, 0.6])
@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_unseen_ratings_are_as_likely_as_under_their_own_distribution(
    scale: Scale, std: float, own: float
) -> None:
    calibration = calibrated(scale, drawn(scale, std, own, 1)[0])
    rows, shares = drawn(scale, std, own, 2)
    nll, coverage = scored(calibration, rows)
    assert nll < 1.02 * -np.log(shares).mean()
    assert 0.78 < coverage < 0.82


@pytest.mark.parametrize(("scale", "every"), [(Scale(0, 100), 10), (Scale(0, 100), 25)], ids=str)
def test_stars_that_are_never_given_change_nothing(scale: Scale, every: int) -> None:
    """Multiples of ten on a scale of 101 stars are a scale of 11."""
    own = Scale(0, 100 / every)
    wide = scored(
        calibrated(scale, drawn(scale, 0.2, 1, 1, every)[0]), drawn(scale, 0.2, 1, 2, every)[0]
    )
    plain = scored(calibrated(own, drawn(own, 0.2, 1, 1)[0]), drawn(own, 0.2, 1, 2)[0])
    assert wide == pytest.approx(plain, abs=0.002)


@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(0, 100), Scale(-10, 10, None)], ids=str)
@pytest.mark.parametrize("rows", [3, 40, 400])
def test_never_worse_than_the_frequencies_on_the_rows_learned_from(scale: Scale, rows: int) -> None:
    """Of forecasts that have nothing to do with the ratings, whose stars pile up in two places."""
    random = np.random.default_rng(rows)
    star = random.choice([0, len(scale.stars) - 2], rows)
    mean = random.uniform(scale.low, scale.high, rows)
    outcomes = Outcomes(mean, np.ones(rows), random.choice([0, 9], rows), star)
    calibration = calibrated(scale, outcomes)
    frequencies = calibration.known_users.groups.frequencies
    nll, _ = scored(calibration, outcomes)
    assert nll <= -np.log(frequencies[star]).mean() + 1e-3


@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(0, 100)], ids=str)
def test_a_drift_by_the_whole_scale_is_followed(scale: Scale) -> None:
    """From forecasts that hit every rating to ones that miss all by half of the scale."""
    sure, _ = drawn(scale, 0.01, 0, 1)
    calibration, (far, _) = calibrated(scale, sure), drawn(scale, 0.01, 0, 2)
    far = Outcomes(far.mean[::-1].copy(), far.deviation, np.full(ROWS, 9), far.star)
    calibration.walk(far, np.arange(0, ROWS + 1, 2000), np.ones(ROWS, bool))
    nll, coverage = scored(calibration, far.last(1000))
    frequencies = calibration.known_users.groups.frequencies
    assert nll < 1.02 * -(frequencies * np.log(frequencies)).sum()
    assert 0.75 < coverage < 0.85
