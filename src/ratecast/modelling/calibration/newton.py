"""The lowest point of a smooth function of few parameters, by Newton's method."""

from collections.abc import Callable

import numpy as np

from ratecast.arrays import F64

Value = tuple[float, F64, F64]

_MOST = 100
_FIRST, _TIMES = 1e-3, 8.0


def lowest(function: Callable[[F64], Value], start: F64, enough: float) -> F64:
    """Where `function` is lowest, downhill from `start`: (d,).

    function: value, gradient (d,) and Hessian (d, d). enough: the size of the gradient, at its
    largest, that counts as flat. A step that leads uphill is taken back, and shorter ones follow.
    Reference: Nocedal, Wright 2006, "Numerical optimization", sections 3.4 and 10.3 (a multiple of
    the identity added to the Hessian, as Levenberg and Marquardt do).
    """
    point, (value, slope, bend) = start, function(start)
    damping, unit = 0.0, np.eye(len(start))
    for _ in range(_MOST):
        if np.abs(slope).max() <= enough:
            break
        first = _FIRST * float(np.abs(np.diagonal(bend)).max())
        tried = point - np.linalg.solve(bend + damping * unit, slope)
        there = function(tried)
        if there[0] <= value:
            point, (value, slope, bend) = tried, there
            damping = damping / _TIMES if damping > first else 0.0
        else:
            damping = max(_TIMES * damping, first)
    return point
