from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from ratecast.arrays import F64
from ratecast.evaluation.metrics import calibration_error
from ratecast.modelling.calibration.ordered_probit import OrderedProbit, star_probabilities
from ratecast.modelling.calibration.probit_kernel import (
    HISTORY_EDGES,
    MIN_PROBABILITY,
    LikelihoodRows,
    likelihood,
    normal_cdf,
)
from ratecast.modelling.kernels import loops
from ratecast.ratings import Scale


@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(0.5, 5, 0.5)], ids=str)
def test_recovers_planted_stds(scale: Scale) -> None:
    """The std of each history group is found within 5 %."""
    random = np.random.default_rng(0)
    planted = np.array([1.2, 1.0, 0.8, 0.6])
    history_length = random.choice([0, 3, 10, 50], size=40_000)
    std = planted[np.digitize(history_length, (1, 6, 21))]
    mean = random.uniform(scale.low + 1, scale.high - 1, len(history_length))
    cuts = OrderedProbit.initial(scale).cuts
    star = np.searchsorted(cuts, mean + std * random.normal(size=len(history_length)))
    probit = OrderedProbit.initial(scale).fitted(mean, history_length, star)
    np.testing.assert_allclose(probit.stds, planted, rtol=0.05)
    np.testing.assert_allclose(probit.cuts, cuts, atol=0.1)


def test_a_models_own_deviation_is_scaled() -> None:
    random = np.random.default_rng(1)
    deviation = random.uniform(0.3, 1.5, 30_000)
    mean, history_length = random.uniform(2, 4, 30_000), np.zeros(30_000, np.int64)
    initial = OrderedProbit.initial(Scale(1, 5))
    star = np.searchsorted(initial.cuts, mean + 0.7 * deviation * random.normal(size=30_000))
    probit = initial.fitted(mean, history_length, star, deviation)
    np.testing.assert_allclose(probit.stds, 0.7, rtol=0.05)  # groups without rows take it


def test_gradient_and_hessian_are_the_slopes_of_the_loss() -> None:
    """Beside differences, for bins and stars of every kind, the first and the last included."""
    random = np.random.default_rng(2)
    initial = OrderedProbit.initial(Scale(1, 5))
    rows = LikelihoodRows(
        random.uniform(-1, 1, 200),
        random.uniform(1, 2, 200),
        random.integers(4, size=200),
        random.integers(5, size=200),
    )
    point = initial.parameters + random.normal(0, 0.05, len(initial.parameters))
    _, gradient, hessian = likelihood(point, rows, 4)
    for k, step in enumerate(1e-5 * np.eye(len(point))):
        high, low = (likelihood(point + sign * step, rows, 4) for sign in (1, -1))
        assert (high[0] - low[0]) / 2e-5 == pytest.approx(gradient[k], rel=1e-5, abs=1e-4)
        np.testing.assert_allclose((high[1] - low[1]) / 2e-5, hessian[k], rtol=1e-4, atol=1e-2)


def test_the_likelihood_is_that_of_the_probabilities() -> None:
    random = np.random.default_rng(4)
    initial, mean, star = (
        OrderedProbit.initial(Scale(1, 5)),
        random.uniform(1, 5, 90),
        np.arange(90) % 5,
    )
    shares = initial.probabilities(mean, np.zeros(90, np.int64))
    rows = LikelihoodRows(mean - 3, np.ones(90), np.zeros(90, np.int64), star)
    loss = likelihood(initial.parameters, rows, 4)[0]
    assert loss == pytest.approx(-np.log(shares[np.arange(90), star]).sum(), rel=1e-4)


def test_the_normal_distribution_is_read_to_the_last_digits() -> None:
    for z in np.concatenate([np.linspace(-9, 9, 4001), [-np.inf, np.inf]]):
        value, density = normal_cdf(z)
        assert value == pytest.approx(ndtr(z), abs=1e-15)
        assert density == pytest.approx(np.exp(-z * z / 2) / np.sqrt(2 * np.pi), abs=1e-12)


@pytest.mark.parametrize("deviation", [None, np.linspace(0.4, 1.6, 300)], ids=["none", "own"])
def test_probabilities_are_those_of_a_plain_formula(
    deviation: F64 | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cuts that cross, new users, rows alone and side by side included."""
    random = np.random.default_rng(5)
    curves = np.column_stack([[-1.5, -0.2, 0.1, 1.4], [-1, -0.8, -1.3, -1], [0.1, 0, 0.3, -0.1]])
    known_users = OrderedProbit(curves, np.array([1.0, 0.9, 0.8, 0.7]), 3.0, 1.0)
    probits = replace(known_users, curves=curves * 1.2, stds=known_users.stds * 1.3), known_users
    mean, history_length = random.uniform(1, 5, 300), random.choice([0, 1, 6, 30], size=300)
    result = np.empty((2, 300, 5))
    for turn, many in enumerate((0, 1 << 40)):
        monkeypatch.setattr(loops, "MANY", many)
        star_probabilities(probits, mean, history_length, deviation, result[turn])
    assert np.array_equal(*result)
    for i in range(300):
        probit, x = probits[int(history_length[i] > 0)], mean[i] - 3
        std = probit.stds[np.digitize(history_length[i], HISTORY_EDGES)]
        std *= 1 if deviation is None else deviation[i]
        cuts = ndtr(probit.curves @ [1, x, x * x] / std)
        raised = np.diff([0, *np.maximum.accumulate(cuts), 1]) + MIN_PROBABILITY
        np.testing.assert_allclose(result[0, i], raised / raised.sum(), rtol=1e-9, atol=1e-15)


def test_curves_of_their_own_find_stars_that_vary_unevenly() -> None:
    """Planted: low forecasts vary twice as much as high ones; a common slope cannot express it."""
    random = np.random.default_rng(3)
    mean = random.uniform(1, 5, 60_000)
    initial, history_length = OrderedProbit.initial(Scale(1, 5)), np.full(60_000, 50)
    std = np.where(mean < 3, 1.4, 0.7)
    star = np.searchsorted(initial.cuts, mean + std * random.normal(size=60_000))
    probit = initial.fitted(mean, history_length, star)
    straight = OrderedProbit(initial.curves, probit.stds, initial.centre, initial.unit)
    errors = [
        calibration_error(n.probabilities(mean, history_length), star) for n in (probit, straight)
    ]
    assert errors[0] < 0.6 * errors[1]


def test_cuts_that_cross_on_the_way_do_no_harm() -> None:
    """Few rows near the truth: the search steps far, and the probit is still a distribution."""
    random = np.random.default_rng(10)
    for _ in range(30):
        mean, star = random.uniform(1, 5, 12), random.integers(0, 5, 12)
        probit = OrderedProbit.initial(Scale(1, 5)).fitted(mean, np.zeros(12, np.int64), star)
        shares = probit.probabilities(mean, np.zeros(12, np.int64))
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert shares.min() > 0


SPREADS = [0.0, 1e-320, 1e-12, 1e300, np.inf]


@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(-10, 10, None)], ids=str)
@pytest.mark.parametrize("deviation", SPREADS)
@pytest.mark.parametrize("mean", [-np.inf, -1e300, -11.0, 2.5, 3.0, 1e18, np.inf])
def test_far_forecasts_and_minuscule_spreads_are_sure(
    mean: float, deviation: float, scale: Scale
) -> None:
    rows, none = np.full(3, mean), np.array([0, 3, 50])
    shares = OrderedProbit.initial(scale).probabilities(rows, none, np.full(3, deviation))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares > 0).all()
    if abs(mean) > 10 and deviation <= 1e-12:
        assert shares[:, 0 if mean < 0 else -1].min() > 0.999


def test_a_forecast_that_is_missing_has_no_probabilities() -> None:
    mean, none = np.array([3.0, np.nan, 3.0]), np.zeros(3, np.int64)
    deviation = np.array([1.0, 1.0, np.nan])
    shares = OrderedProbit.initial(Scale(1, 5)).probabilities(mean, none, deviation)
    assert np.isnan(shares).all(axis=1).tolist() == [False, True, True]


@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(-10, 10, None)], ids=str)
def test_is_fitted_to_forecasts_without_spread(scale: Scale) -> None:
    """As of a model that knows every rating of a table of equal ratings."""
    mean, star = np.full(40, 3.0), scale.index(np.full(40, 3.0))
    initial = OrderedProbit.initial(scale)
    probit = initial.fitted(mean, np.zeros(40, np.int64), star, np.zeros(40))
    shares = probit.probabilities(mean, np.zeros(40, np.int64), np.zeros(40))
    assert shares[0, star[0]] > 0.9


def drawn(scale: Scale, rows: int, std: float, seed: int) -> tuple[F64, F64]:
    """Forecasts, and ratings normally distributed around them, those beyond the scale cut to it."""
    random = np.random.default_rng(seed)
    width = scale.high - scale.low
    mean = random.uniform(scale.low + 0.2 * width, scale.high - 0.2 * width, rows)
    return mean, scale.clip(mean + std * random.normal(size=rows))


def continuous_nll(probit: OrderedProbit, scale: Scale, mean: F64, given: F64) -> float:
    shares = probit.probabilities(mean, np.full(len(mean), 9))
    at = shares[np.arange(len(mean)), scale.index(given)]
    return float(-np.log(at / scale.cell_width).mean())


@pytest.mark.parametrize("rows", [60, 300, 5000])
@pytest.mark.parametrize("scale", [Scale(-10, 10, None), Scale(0, 1, None)], ids=str)
def test_few_rows_calibrate_a_continuous_scale(scale: Scale, rows: int) -> None:
    """64 cells have few rows each, many none: unseen ratings cost little more than if all known."""
    std, initial = 0.08 * (scale.high - scale.low), OrderedProbit.initial(scale)
    mean, given = drawn(scale, rows, std, 0)
    star, history = scale.index(given), np.full(rows, 9)
    prior = initial.with_spread(mean, star, np.ones(rows))
    probit = prior.fitted(mean, history, star)
    new_mean, new_given = drawn(scale, 20_000, std, 1)
    known = continuous_nll(replace(initial, stds=np.full(4, std)), scale, new_mean, new_given)
    assert continuous_nll(probit, scale, new_mean, new_given) < known + 0.005 + 5 / rows


def test_ratings_that_pile_up_at_the_ends_of_a_continuous_scale() -> None:
    """A quarter of all percentages is exactly 0 or 100."""
    scale = Scale(0, 100, None)
    mean, given = drawn(scale, 20_000, 40.0, 2)
    star, history = scale.index(given), np.full(len(mean), 9)
    assert ((given == 0) | (given == 100)).mean() > 0.25
    prior = OrderedProbit.initial(scale).with_spread(mean, star, np.ones(len(mean)))
    shares = prior.fitted(mean, history, star).probabilities(mean, history)
    frequencies = np.bincount(star, minlength=64) / len(star)
    np.testing.assert_allclose(shares.mean(axis=0), frequencies, atol=0.003)


@pytest.mark.parametrize("scale", [Scale(-10, 10), Scale(0, 100)], ids=str)
def test_one_forecast_for_all_ratings_of_a_wide_scale(scale: Scale) -> None:
    """As of the mean: the probabilities are the frequencies of stars, and no fit runs away."""
    random, width = np.random.default_rng(5), scale.high - scale.low
    mean, history = np.full(5000, scale.low + width / 2), np.full(5000, 9)
    given = np.rint(scale.clip(mean + 0.3 * width * random.normal(size=5000)))
    star, prior = scale.index(given), OrderedProbit.initial(scale)
    probit = prior.with_spread(mean, star, np.ones(5000)).fitted(mean, history, star)
    shares, frequencies = probit.probabilities(mean, history)[0], np.bincount(star) / 5000
    assert np.abs(shares.cumsum() - frequencies.cumsum()).max() < 0.02
