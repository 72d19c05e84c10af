"""Public names of a package that are imported when they are first used (PEP 562)."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any


class LazyNames:
    """The names of a package, and where they are.

    places: names by the module that has them, relative to the package. Its `imported` is given as
    `__getattr__` of the package.
    """

    def __init__(self, package: str, places: Mapping[str, Sequence[str]]) -> None:
        self._package = package
        self._modules = {
            name: f"{package}.{place}" for place, names in places.items() for name in names
        }

    @property
    def names(self) -> list[str]:
        """Of all modules, for `__all__`."""
        return list(self._modules)

    def imported(self, name: str) -> Any:
        """The value of a name. Raises `AttributeError` for a name of none of the modules."""
        if name not in self._modules:
            raise AttributeError(f"module {self._package!r} has no attribute {name!r}")
        value = getattr(import_module(self._modules[name]), name)
        # The next use finds it without a call.
        setattr(sys.modules[self._package], name, value)
        return value
