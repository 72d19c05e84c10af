from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from ratecast.arrays import F64
from ratecast.modelling.calibration.ordered_probit import (
    Location,
    OrderedProbit,
    star_probabilities,
)
from ratecast.modelling.calibration.probit_kernel import (
    HISTORY_EDGES,
    MIN_PROBABILITY,
    normal_cdf,
)
from ratecast.modelling.calibration.star_groups import StarGroups
from ratecast.modelling.kernels import loops
from ratecast.ratings import Scale


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
    groups = StarGroups.of(np.array([10, 20, 30, 20, 20]))
    stds = np.array([1.0, 0.9, 0.8, 0.7])
    known_users = OrderedProbit(curves, stds, Location(3.0, 1.0, 1.0), groups, mixed=0.05)
    probits = replace(known_users, curves=curves * 1.2, stds=stds * 1.3, mixed=0.0), known_users
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
        raised = np.diff([0, *np.maximum.accumulate(cuts), 1])
        raised += probit.mixed * (groups.frequencies - raised) + MIN_PROBABILITY
        np.testing.assert_allclose(result[0, i], raised / raised.sum(), rtol=1e-9, atol=1e-15)


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
