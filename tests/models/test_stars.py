import numpy as np
import pytest

from ratecast.models.stars import StarNoise
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
    from scipy.optimize import check_grad

    from ratecast.models.stars import _Likelihood

    random = np.random.default_rng(2)
    rows = _Likelihood(
        random.uniform(1, 5, 200),
        random.uniform(0.5, 2, 200),
        random.integers(4, size=200),
        random.integers(5, size=200),
        4,
    )
    point = np.array([1.4, 2.6, 3.4, 4.6, 0.1, 0.0, -0.2, 0.3])
    assert check_grad(lambda p: rows.loss(p)[0], lambda p: rows.loss(p)[1], point) < 1e-4


def test_cuts_that_cross_on_the_way_do_no_harm() -> None:
    """Few rows near the truth: the search steps far, and the noise is still a distribution."""
    random = np.random.default_rng(10)
    for _ in range(30):
        mean, given = random.uniform(1, 5, 12), random.integers(0, 5, 12)
        noise = StarNoise.flat(Scale(1, 5)).fitted(mean, np.zeros(12, np.int64), given)
        assert (np.diff(noise.cuts) >= 0).all()
        shares = noise.probabilities(mean, np.zeros(12, np.int64))
        np.testing.assert_allclose(shares.sum(axis=1), 1)
