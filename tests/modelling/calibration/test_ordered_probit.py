from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from ratecast.arrays import F64
from ratecast.evaluation.metrics import calibration_error
from ratecast.modelling.calibration.ordered_probit import StarNoise, fill
from ratecast.modelling.calibration.probit_kernel import HEARD_EDGES, LEAST, below, likelihood
from ratecast.modelling.kernels import threads
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


def test_gradient_and_hessian_are_the_slopes_of_the_loss() -> None:
    """Beside differences, for bins and stars of every kind, the first and the last included."""
    random = np.random.default_rng(2)
    flat = StarNoise.flat(Scale(1, 5))
    rows = (
        random.uniform(-1, 1, 200),
        random.uniform(1, 2, 200),
        random.integers(4, size=200),
        random.integers(5, size=200),
    )
    point = flat.parameters + random.normal(0, 0.05, len(flat.parameters))
    _, slope, bend = likelihood(point, rows, 4)
    for k, step in enumerate(1e-5 * np.eye(len(point))):
        high, low = (likelihood(point + sign * step, rows, 4) for sign in (1, -1))
        assert (high[0] - low[0]) / 2e-5 == pytest.approx(slope[k], rel=1e-5, abs=1e-4)
        np.testing.assert_allclose((high[1] - low[1]) / 2e-5, bend[k], rtol=1e-4, atol=1e-2)


def test_the_likelihood_is_that_of_the_probabilities() -> None:
    random = np.random.default_rng(4)
    flat, mean, given = StarNoise.flat(Scale(1, 5)), random.uniform(1, 5, 90), np.arange(90) % 5
    shares = flat.probabilities(mean, np.zeros(90, np.int64))
    rows = mean - 3, np.ones(90), np.zeros(90, np.int64), given
    loss = likelihood(flat.parameters, rows, 4)[0]
    assert loss == pytest.approx(-np.log(shares[np.arange(90), given]).sum(), rel=1e-4)


def test_the_normal_distribution_is_read_to_the_last_digits() -> None:
    for z in np.concatenate([np.linspace(-9, 9, 4001), [-np.inf, np.inf]]):
        value, bell = below(z)
        assert value == pytest.approx(ndtr(z), abs=1e-15)
        assert bell == pytest.approx(np.exp(-z * z / 2) / np.sqrt(2 * np.pi), abs=1e-12)


@pytest.mark.parametrize("deviation", [None, np.linspace(0.4, 1.6, 300)], ids=["none", "own"])
def test_probabilities_are_those_of_a_plain_formula(
    deviation: F64 | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cuts that cross, users of whom nothing was heard, rows alone and side by side included."""
    random = np.random.default_rng(5)
    curves = np.column_stack([[-1.5, -0.2, 0.1, 1.4], [-1, -0.8, -1.3, -1], [0.1, 0, 0.3, -0.1]])
    others = StarNoise(curves, np.array([1.0, 0.9, 0.8, 0.7]), 3.0, 1.0)
    noises = replace(others, curves=curves * 1.2, spreads=others.spreads * 1.3), others
    mean, heard = random.uniform(1, 5, 300), random.choice([0, 1, 6, 30], size=300)
    found = np.empty((2, 300, 5))
    for turn, many in enumerate((0, 1 << 40)):
        monkeypatch.setattr(threads, "MANY", many)
        fill(found[turn], noises, (mean, heard, deviation))
    assert np.array_equal(*found)
    for i in range(300):
        noise, x = noises[int(heard[i] > 0)], mean[i] - 3
        spread = noise.spreads[np.digitize(heard[i], HEARD_EDGES)]
        spread *= 1 if deviation is None else deviation[i]
        cuts = ndtr(noise.curves @ [1, x, x * x] / spread)
        raised = np.diff([0, *np.maximum.accumulate(cuts), 1]) + LEAST
        np.testing.assert_allclose(found[0, i], raised / raised.sum(), rtol=1e-9, atol=1e-15)


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
