"""Imports of optional packages."""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ratecast.errors import InputError


def sklearn(part: str) -> Any:
    """A submodule of scikit-learn. Raises `InputError` if it is not installed."""
    if find_spec("sklearn") is None:
        raise InputError("scikit-learn is missing; pip install scikit-learn")
    # Counting the cores starts a process that some machines do not have.
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")
    return import_module(f"sklearn.{part}")
