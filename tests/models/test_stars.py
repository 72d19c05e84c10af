import numpy as np
import pytest
from scipy.optimize import check_grad

from ratecast.evaluation.metrics import calibration_error
from ratecast.models.stars import F64, StarNoise, _Likelihood
from ratecast.ratings import Scale


@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(0.5, 5, 0.5)], ids=str)
def test_recovers_planted_spreads(scale: Scale) -> None:
    """Spread of a bin of ratings heard is found within 5 %."""
    random = np.random.default_rng(0)
    planted = np.array([1.2, 1.0, 0.8, 0.6])
    heard = random.choice([0, 3, 10, 50], size=40_000)
    spread = planted[np.digitize(heard, (1, 6, 21))]
    mean = random.uniform(scale.low + 1, scale.high - 1, len(heard))
    cuts = StarNoise.flat(scale).cuts
    given = np.searchsorted(cuts, mean + spread * random.normal(size=len(heard)))
    noise = StarNoise.flat(scale).fitted(mean, heard, given)
    np.testing.assert_allclose(noise.spreads, planted, rtol=0.05)
    np.testing.assert_allclose(noise.cuts, cuts, atol=0.1)


def test_a_models_own_deviation_is_scaled() -> None:
    random = np.random.default_rng(1)
    deviation = random.uniform(0.3, 1.5, 30_000)
    mean, heard = random.uniform(2, 4, 30_000), np.zeros(30_000, np.int64)
    flat = StarNoise.flat(Scale(1, 5))
    given = np.searchsorted(flat.cuts, mean + 0.7 * deviation * random.normal(size=30_000))
    noise = flat.fitted(mean, heard, given, deviation)
    np.testing.assert_allclose(noise.spreads, 0.7, rtol=0.05)  # unseen bins borrow it


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    random = np.random.default_rng(2)
    flat = StarNoise.flat(Scale(1, 5))
    start = np.concatenate([flat.curves.ravel(), np.log(flat.spreads)])
    mean = random.uniform(1, 5, 200)
    powers = np.column_stack([np.ones(200), mean - 3, (mean - 3) ** 2])
    bins, given = random.integers(4, size=200), random.integers(5, size=200)
    rows = _Likelihood(powers, random.uniform(0.5, 2, 200), bins, given, start)

    def value(parameters: F64) -> float:
        return rows.loss(parameters)[0]

    def slope(parameters: F64) -> F64:
        return rows.loss(parameters)[1]

    point = start + random.normal(0, 0.05, len(start))
    assert check_grad(value, slope, point) < 1e-4


def test_curves_of_their_own_find_stars_that_spread_unevenly() -> None:
    """Planted: low forecasts spread twice as far as high ones; one common slope cannot say so."""
    random = np.random.default_rng(3)
    mean = random.uniform(1, 5, 60_000)
    flat, heard = StarNoise.flat(Scale(1, 5)), np.full(60_000, 50)
    spread = np.where(mean < 3, 1.4, 0.7)
    given = np.searchsorted(flat.cuts, mean + spread * random.normal(size=60_000))
    noise = flat.fitted(mean, heard, given)
    straight = StarNoise(flat.curves, noise.spreads, flat.centre, flat.unit)
    errors = [calibration_error(n.probabilities(mean, heard), given) for n in (noise, straight)]
    assert errors[0] < 0.6 * errors[1]


def test_cuts_that_cross_on_the_way_do_no_harm() -> None:
    """Few rows near the truth: the search steps far, and the noise is still a distribution."""
    random = np.random.default_rng(10)
    for _ in range(30):
        mean, given = random.uniform(1, 5, 12), random.integers(0, 5, 12)
        noise = StarNoise.flat(Scale(1, 5)).fitted(mean, np.zeros(12, np.int64), given)
        shares = noise.probabilities(mean, np.zeros(12, np.int64))
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert shares.min() > 0
