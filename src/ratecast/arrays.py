"""Names for the array types that most modules use, and a view that cannot be written to."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
I32 = NDArray[np.int32]

A = TypeVar("A", bound=NDArray[Any])


def read_only(array: A) -> A:
    """A view of the array that cannot be written to.

    numba compiles a kernel for each kind of array, and polars gives either kind, as it happens.
    """
    view = array.view()
    view.flags.writeable = False
    return view
