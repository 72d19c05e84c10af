from dataclasses import replace

import numpy as np
import pytest

from ratecast.arrays import F64, I64
from ratecast.metrics.scores import calibration_error
from ratecast.modelling.calibration.ordered_probit import OrderedProbit
from ratecast.modelling.calibration.probit_fit import fit_probit, with_spread
from ratecast.modelling.calibration.probit_kernel import Forecasts
from ratecast.modelling.calibration.star_groups import StarGroups
from ratecast.ratings import Scale


def fit(
    initial: OrderedProbit, mean: F64, history: I64, star: I64, deviation: F64 | None = None
) -> OrderedProbit:
    """From a first std of these rows, with the frequencies of their stars."""
    groups = StarGroups.of(np.bincount(star, minlength=len(initial.curves) + 1))
    own = np.empty(0) if deviation is None else deviation
    forecasts = Forecasts(mean, history, own)
    return fit_probit(
        with_spread(replace(initial, groups=groups), forecasts, star), forecasts, star
    )


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
    probit = fit(OrderedProbit.initial(scale), mean, history_length, star)
    np.testing.assert_allclose(probit.stds, planted, rtol=0.05)
    np.testing.assert_allclose(probit.cuts, cuts, atol=0.1)


def test_a_models_own_deviation_is_scaled() -> None:
    random = np.random.default_rng(1)
    deviation = random.uniform(0.3, 1.5, 30_000)
    mean, history_length = random.uniform(2, 4, 30_000), np.zeros(30_000, np.int64)
    initial = OrderedProbit.initial(Scale(1, 5))
    star = np.searchsorted(initial.cuts, mean + 0.7 * deviation * random.normal(size=30_000))
    probit = fit(initial, mean, history_length, star, deviation)
    np.testing.assert_allclose(probit.stds, 0.7, rtol=0.05)  # groups without rows take it


def test_curves_of_their_own_find_stars_that_vary_unevenly() -> None:
    """Planted: low forecasts vary twice as much as high ones; a common slope cannot express it."""
    random = np.random.default_rng(3)
    mean = random.uniform(1, 5, 60_000)
    initial, history_length = OrderedProbit.initial(Scale(1, 5)), np.full(60_000, 50)
    std = np.where(mean < 3, 1.4, 0.7)
    star = np.searchsorted(initial.cuts, mean + std * random.normal(size=60_000))
    probit = fit(initial, mean, history_length, star)
    straight = replace(initial, stds=probit.stds)
    errors = [
        calibration_error(n.probabilities(mean, history_length), star) for n in (probit, straight)
    ]
    assert errors[0] < 0.6 * errors[1]


def test_cuts_that_cross_on_the_way_do_no_harm() -> None:
    """Few rows near the truth: the search steps far, and the probit is still a distribution."""
    random = np.random.default_rng(10)
    for _ in range(30):
        mean, star = random.uniform(1, 5, 12), random.integers(0, 5, 12)
        probit = fit(OrderedProbit.initial(Scale(1, 5)), mean, np.zeros(12, np.int64), star)
        shares = probit.probabilities(mean, np.zeros(12, np.int64))
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert shares.min() > 0


@pytest.mark.parametrize("scale", [Scale(1, 5), Scale(-10, 10, None)], ids=str)
def test_is_fitted_to_forecasts_without_spread(scale: Scale) -> None:
    """As of a model that knows every rating of a table of equal ratings."""
    mean, star = np.full(40, 3.0), scale.index(np.full(40, 3.0))
    initial = OrderedProbit.initial(scale)
    probit = fit(initial, mean, np.zeros(40, np.int64), star, np.zeros(40))
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
    probit = fit(initial, mean, history, star)
    new_mean, new_given = drawn(scale, 20_000, std, 1)
    known = continuous_nll(replace(initial, stds=np.full(4, std)), scale, new_mean, new_given)
    assert continuous_nll(probit, scale, new_mean, new_given) < known + 0.005 + 6 / rows


def test_ratings_that_pile_up_at_the_ends_of_a_continuous_scale() -> None:
    """A quarter of all percentages is exactly 0 or 100."""
    scale = Scale(0, 100, None)
    mean, given = drawn(scale, 20_000, 40.0, 2)
    star, history = scale.index(given), np.full(len(mean), 9)
    assert ((given == 0) | (given == 100)).mean() > 0.25
    shares = fit(OrderedProbit.initial(scale), mean, history, star).probabilities(mean, history)
    frequencies = np.bincount(star, minlength=64) / len(star)
    np.testing.assert_allclose(shares.mean(axis=0), frequencies, atol=0.003)


@pytest.mark.parametrize("scale", [Scale(-10, 10), Scale(0, 100)], ids=str)
def test_one_forecast_for_all_ratings_of_a_wide_scale(scale: Scale) -> None:
    """As of the mean: the probabilities are the frequencies of stars, and no fit runs away."""
    random, width = np.random.default_rng(5), scale.high - scale.low
    mean, history = np.full(5000, scale.low + width / 2), np.full(5000, 9)
    given = np.rint(scale.clip(mean + 0.3 * width * random.normal(size=5000)))
    star = scale.index(given)
    probit = fit(OrderedProbit.initial(scale), mean, history, star)
    shares, frequencies = probit.probabilities(mean, history)[0], np.bincount(star) / 5000
    assert np.abs(shares.cumsum() - frequencies.cumsum()).max() < 0.02
