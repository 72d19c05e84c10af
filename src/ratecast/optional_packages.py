"""Packages of the extras: which are needed for what, and how to install what is missing."""

import json
import os
import shlex
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from ratecast.errors import MissingPackageError

# What cannot work without: the names that are imported, by the extra. What is left out here is
# said where it is used, such as the page of the service.
_SERVE = ("alembic", "fastapi", "orjson", "prometheus_client", "sqlalchemy", "uvicorn")
IMPORTS = {
    "mcp": ("mcp", *_SERVE),
    "nets": ("torch", "lightning", "tensorboard"),
    "plots": ("matplotlib",),
    "notebooks": ("plotly",),
    "ray": ("ray",),
    "ray-train": ("ray", "fsspec", "pandas", "pyarrow", "pydantic", "requests"),
    "serve": _SERVE,
    "tune": ("optuna",),
}


def missing(extra: str) -> list[str]:
    """What the extra installs and is not there, by the names that are imported."""
    # Not imported to see: torch takes seconds.
    return [name for name in IMPORTS[extra] if find_spec(name) is None]


def require(extra: str, what: str, instead: str = "") -> None:
    """Raise `MissingPackageError` where a package of the extra is not installed.

    what: needs it, for the message. instead: what can be done without it.
    """
    if names := missing(extra):
        done = f", or {instead}" if instead else ""
        raise MissingPackageError(
            f"{what}: {names[0]} is not installed; install it with {install_command(extra)}{done}"
        )


def sklearn(part: str) -> Any:
    """A submodule of scikit-learn. Raises `MissingPackageError` if it is not installed."""
    if find_spec("sklearn") is None:
        raise MissingPackageError(
            "scikit-learn is not installed; install it with pip install scikit-learn"
        )
    # Counting the cores starts a process that some machines do not have.
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")
    return import_module(f"sklearn.{part}")


def install_command(*extras: str) -> str:
    """The command that adds extras to this installation, from where it came.

    That is a checkout, a wheel, a repository or a package index (PEP 610 says which).
    """
    try:
        installed = distribution("ratecast")
    except PackageNotFoundError:
        return _pip(f"ratecast[{','.join(extras)}]")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    return _command(origin, extras, installed)


def _command(
    origin: dict[str, Any], extras: Sequence[str], installed: Distribution | None = None
) -> str:
    """As `install_command`. origin: the content of direct_url.json, empty for an index."""
    named, url = f"ratecast[{','.join(extras)}]", origin.get("url", "")
    if not url:
        return _pip(named)
    if "vcs_info" in origin:
        about = origin["vcs_info"]
        return _pip(f"{named} @ {about['vcs']}+{url}@{about['commit_id']}")
    path = Path(url2pathname(urlparse(url).path))
    if url.startswith("file:") and not path.exists():
        return _pip(*_requirements(installed, extras))
    if "dir_info" not in origin:
        return _pip(f"{named} @ {url}")
    # The versions that were tested stand beside it.
    pins = path / "constraints.txt"
    words = ["-c", str(pins)] if pins.exists() else []
    words += ["-e"] if origin["dir_info"].get("editable") else []
    return _pip(*words, f"{path}[{','.join(extras)}]")


def _requirements(installed: Distribution | None, extras: Sequence[str]) -> list[str]:
    """The packages of extras one by one, for a checkout or wheel that is not there any more."""
    from packaging.requirements import Requirement

    lines = [Requirement(line) for line in (installed.requires or [] if installed else [])]
    marked = [(line, line.marker) for line in lines if line.marker is not None]
    chosen = [
        f"{line.name}{line.specifier}"
        for line, marker in marked
        if any(marker.evaluate({"extra": extra}) for extra in extras)
    ]
    return chosen or list(extras)


def _pip(*words: str) -> str:
    return shlex.join(["pip", "install", *words])
