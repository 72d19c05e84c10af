import numpy as np
import pytest

from ratecast.arrays import F64
from ratecast.modelling.calibration.newton import minimize


def valley(point: F64) -> tuple[float, F64, F64]:
    """Rosenbrock 1960: a curved valley, whose Hessian is indefinite beside it."""
    x, y = point
    gradient = np.array([-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)])
    hessian = np.array([[1200 * x * x - 400 * y + 2, -400 * x], [-400 * x, 200.0]])
    return 100 * (y - x * x) ** 2 + (1 - x) ** 2, gradient, hessian


@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.0, 3.0), (1.0, 1.0)])
def test_finds_the_minimum_of_a_curved_valley(start: tuple[float, float]) -> None:
    np.testing.assert_allclose(minimize(valley, np.array(start), 1e-9), [1, 1], rtol=1e-8)


def test_no_step_leads_uphill() -> None:
    seen: list[float] = []

    def watched(point: F64) -> tuple[float, F64, F64]:
        seen.append(valley(point)[0])
        return valley(point)

    best = minimize(watched, np.array([-3.0, 20.0]), 1e-9)
    assert valley(best)[0] == min(seen)
