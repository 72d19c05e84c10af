"""Checks of Python, the required packages and the extras, against ratecast's metadata."""

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ratecast.doctor.check import Check
from ratecast.optional_packages import install_command

# Only for work on ratecast itself.
_DEVELOPMENT = ("dev", "docs")


def examine() -> Iterator[Check]:
    """The versions of ratecast and Python, the packages, then the extras."""
    yield Check("Versions", "ratecast", version("ratecast"), True)
    yield _python()
    lines = [Requirement(line) for line in requires("ratecast") or []]
    for needed in lines:
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            yield _package(needed)
    for extra in metadata("ratecast").get_all("Provides-Extra") or []:
        if extra not in _DEVELOPMENT:
            yield _extra(extra, [line for line in lines if _is_of(line, extra)])


def _python() -> Check:
    required = SpecifierSet(metadata("ratecast")["Requires-Python"])
    installed = platform.python_version()
    value = f"{installed} ({sys.platform}, {platform.machine()})"
    good = required.contains(installed, prereleases=True)
    return Check("Versions", "python", value, good, "" if good else f"use Python {required}")


def _package(needed: Requirement) -> Check:
    installed = _version(needed)
    install = f"pip install '{needed.name}{needed.specifier}'"
    if installed is None:
        return Check("Versions", needed.name, "missing", False, install)
    good = needed.specifier.contains(installed, prereleases=True)
    return Check("Versions", needed.name, installed, good, "" if good else install)


def _extra(name: str, lines: list[Requirement]) -> Check:
    missing = [line.name for line in lines if _version(line) is None]
    if missing:
        without = f"without {', '.join(missing)}"
        return Check("Extras", name, without, None, install_command(name))
    return Check("Extras", name, "installed", True)


def _is_of(line: Requirement, extra: str) -> bool:
    marker = line.marker
    return marker is not None and marker.evaluate({"extra": extra}) > marker.evaluate({"extra": ""})


def _version(needed: Requirement) -> str | None:
    try:
        return version(needed.name)
    except PackageNotFoundError:
        return None
