"""Damped Newton's method: the minimum of a smooth function of few parameters."""

from collections.abc import Callable

import numpy as np

from ratecast.arrays import F64

Value = tuple[float, F64, F64]

_MAX_STEPS = 100
_FIRST_DAMPING, _DAMPING_FACTOR = 1e-3, 8.0
# Of the tolerance: a fall that is short. After so many of them, the search ends.
_SHORT_FALL, _SHORT_STEPS = 0.1, 3


def minimize(function: Callable[[F64], Value], start: F64, tolerance: float) -> F64:
    """The parameters where `function` is lowest, downhill from `start`: (d,).

    Each step solves (H + damping I) step = -gradient. A step that raises the value is undone, and
    the damping grows.

    function: (d,) -> value, gradient (d,) and Hessian (d, d).
    start: (d,) first parameters.
    tolerance: the search ends where no entry of the gradient is larger, or where three steps in a
        row lower the value by less than a tenth of it, as beside a border to where it is infinite.

    Reference: Nocedal, Wright 2006, "Numerical optimization", sections 3.4 and 10.3 (a multiple of
    the identity added to the Hessian, as Levenberg and Marquardt do).
    """
    point, (value, gradient, hessian) = start, function(start)
    damping, unit, short = 0.0, np.eye(len(start)), 0
    for _ in range(_MAX_STEPS):
        if np.abs(gradient).max() <= tolerance or short == _SHORT_STEPS:
            break
        first = _FIRST_DAMPING * float(np.abs(np.diagonal(hessian)).max())
        tried = point - np.linalg.solve(hessian + damping * unit, gradient)
        result = function(tried)
        if result[0] <= value:
            short = short + 1 if value - result[0] < _SHORT_FALL * tolerance else 0
            point, (value, gradient, hessian) = tried, result
            damping = damping / _DAMPING_FACTOR if damping > first else 0.0
        else:
            damping = max(_DAMPING_FACTOR * damping, first)
    return point
