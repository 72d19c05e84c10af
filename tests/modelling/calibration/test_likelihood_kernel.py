import numpy as np
import pytest
from scipy.special import log_ndtr

from ratecast.modelling.calibration.likelihood_kernel import (
    LikelihoodRows,
    likelihood,
    log_between,
)
from ratecast.modelling.calibration.ordered_probit import OrderedProbit
from ratecast.ratings import Scale


@pytest.mark.parametrize("spread", [1.0, 12.0])
def test_gradient_and_hessian_are_the_slopes_of_the_loss(spread: float) -> None:
    """For stars of every kind, the first and the last included, near their forecasts and far."""
    random = np.random.default_rng(2)
    curves = OrderedProbit.initial(Scale(1, 5)).curves
    rows = LikelihoodRows(
        random.uniform(-spread, spread, 200),
        random.uniform(1, 2, 200) / spread,
        random.integers(4, size=200),
        random.integers(5, size=200),
        random.uniform(0.5, 2, 200),
    )
    start = np.concatenate([curves.ravel(), np.zeros(4)])
    noise = random.normal(0, 0.05, len(start))
    noise[:-4] /= np.tile([1, spread, spread**2], 4)
    point = start + noise
    _, gradient, hessian = likelihood(point, rows, 4)
    for k, step in enumerate(1e-6 * np.eye(len(point))):
        high, low = (likelihood(point + sign * step, rows, 4) for sign in (1, -1))
        assert (high[0] - low[0]) / 2e-6 == pytest.approx(gradient[k], rel=2e-5, abs=1e-4)
        np.testing.assert_allclose((high[1] - low[1]) / 2e-6, hessian[k], rtol=1e-3, atol=1e-2)


def test_the_likelihood_is_that_of_the_probabilities() -> None:
    random = np.random.default_rng(4)
    initial, mean, star = (
        OrderedProbit.initial(Scale(1, 5)),
        random.uniform(1, 5, 90),
        np.arange(90) % 5,
    )
    shares = initial.probabilities(mean, np.zeros(90, np.int64))
    rows = LikelihoodRows(mean - 3, np.ones(90), np.zeros(90, np.int64), star, np.ones(90))
    loss = likelihood(np.concatenate([initial.curves.ravel(), np.zeros(4)]), rows, 4)[0]
    assert loss == pytest.approx(-np.log(shares[np.arange(90), star]).sum(), rel=1e-4)


@pytest.mark.parametrize(
    ("lower", "upper"),
    [(-1, 2), (-np.inf, -20), (30, np.inf), (-40, -39), (7.9, 8.1), (99, 100), (-7, -6.9999)],
)
def test_probabilities_far_out_are_those_of_their_logarithms(lower: float, upper: float) -> None:
    """Beside scipy's logarithms of Phi, in as many digits as these leave."""
    if lower > 0:
        lower, upper = -upper, -lower
    expected = log_ndtr(upper) + np.log1p(-np.exp(log_ndtr(lower) - log_ndtr(upper)))
    log_probability, upper_rate, lower_rate = log_between(lower, upper)
    assert log_probability == pytest.approx(expected, rel=1e-10)
    for z, rate in ((upper, upper_rate), (lower, lower_rate)):
        log_rate = -z * z / 2 - np.log(2 * np.pi) / 2 - expected
        assert rate == pytest.approx(np.exp(log_rate), rel=1e-8, abs=1e-300)
    mirrored = log_between(-upper, -lower)
    assert mirrored == pytest.approx((log_probability, lower_rate, upper_rate), rel=1e-9)


def test_cuts_that_cross_have_no_likelihood() -> None:
    assert log_between(1.0, 1.0)[0] == log_between(2.0, 1.0)[0] == -np.inf
