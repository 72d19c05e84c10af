"""Names for the array types that most modules use; read-only views, and JSON in arrays."""

import json
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


def as_bytes(value: Any) -> NDArray[np.uint8]:
    """Plain values as JSON in an array of bytes, so that they can stand among other arrays."""
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def json_in(array: NDArray[np.uint8]) -> Any:
    """The values that `as_bytes` wrote."""
    return json.loads(array.tobytes())
