import numpy as np
import pytest

import ratecast as rc
from ratecast.errors import InputError
from ratecast.modelling.contract.distribution import cumulative, density, quantiles
from ratecast.scale import CELLS, Scale

JESTER = Scale(-10, 10, None)


@pytest.fixture
def shares() -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.full(CELLS, 0.3), size=50) + 1e-9


def test_quantiles_of_equal_cells_by_hand() -> None:
    flat = np.full((1, CELLS), 1 / CELLS)
    np.testing.assert_allclose(quantiles(flat, JESTER, [0.1, 0.25, 0.5]), [[-8, -5, 0]])
    np.testing.assert_allclose(cumulative(flat, JESTER, np.array([-8.0])), 0.1)
    np.testing.assert_allclose(density(flat, JESTER, np.array([3.3])), 1 / 20)


def test_quantiles_of_stars_by_hand() -> None:
    shares = np.array([[0.1, 0.2, 0.3, 0.4], [0.0, 1.0, 0.0, 0.0]])
    assert quantiles(shares, Scale(1, 4), [0.1, 0.3, 0.31]).tolist() == [[1, 2, 3], [2, 2, 2]]


def test_the_distribution_function_undoes_the_quantiles(shares: np.ndarray) -> None:
    for level in (0.001, 0.1, 0.5, 0.9, 0.999):
        values = quantiles(shares, JESTER, level)[:, 0]
        np.testing.assert_allclose(cumulative(shares, JESTER, values), level, atol=1e-6)


def test_the_density_is_the_slope_of_the_distribution_function(shares: np.ndarray) -> None:
    step = 20 / CELLS / 4
    for value in np.arange(-10 + step, 10, 4 * step):
        at = np.full(len(shares), value)
        rise = cumulative(shares, JESTER, at + step) - cumulative(shares, JESTER, at)
        np.testing.assert_allclose(rise / step, density(shares, JESTER, at), atol=1e-9)


def test_ends_of_the_scale_and_beyond(shares: np.ndarray) -> None:
    def at(value: float) -> np.ndarray:
        return np.full(len(shares), value)

    np.testing.assert_allclose(cumulative(shares, JESTER, at(-10)), 0, atol=1e-9)
    np.testing.assert_allclose(cumulative(shares, JESTER, at(99)), 1, atol=1e-6)
    assert (density(shares, JESTER, at(10)) == shares[:, -1] / (20 / CELLS)).all()
    assert (density(shares, JESTER, at(10.1)) == 0).all()


def test_what_a_forecast_has_in_place_of_star_probabilities() -> None:
    continuous = rc.Bias().fit(rc.example_ratings(scale=JESTER)).predict([1, 2], [3, 4])
    frame = continuous.frame
    assert [name for name in frame.columns if name.startswith(("p_", "q_"))] == [
        f"q_{level}" for level in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    ]
    np.testing.assert_allclose(frame.select("q_0.1", "q_0.9"), frame.select("low", "high"))
    grid = np.linspace(-10, 10, 2001)[:-1] + 0.005
    area = sum(continuous.density(value) for value in grid) * 0.01
    np.testing.assert_allclose(area, 1, atol=0.01)
    stepped = rc.Bias().fit(rc.example_ratings()).predict([1, 2], [3, 4])
    assert stepped.quantiles([0.5]).shape == (2, 1)
    with pytest.raises(InputError, match="on the scale 1:5:1 stars have probabilities"):
        stepped.density(3.0)
    for wrong in (0.0, 1.0, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            continuous.quantiles([0.5, wrong])
