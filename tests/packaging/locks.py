"""The pins with hashes in requirements/, which `make lock` writes, as tables."""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.builds import ROOT

DEPLOYMENTS = {"core": "", "serve": "serve"}
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Pin:
    """One package of a lock. marker: where it is installed. hashes: of how many files."""

    name: str
    version: str
    marker: Marker | None
    hashes: int


def lock_file(deployment: str) -> Path:
    """The file of a deployment."""
    return ROOT / "requirements" / f"{deployment}.txt"


def pins_of(text: str) -> list[Pin]:
    """The pins of a lock. Raises `ValueError` for a line that is no exact pin with hashes."""
    pins = []
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for entry in without_comments.replace("\\\n", " ").splitlines():
        line, *hashes = re.split(r"\s+(?=--)", entry.strip())
        required = Requirement(line)
        exact = re.fullmatch(r"==([^*,]+)", str(required.specifier))
        if exact is None or required.url or not hashes or not all(map(_HASH.fullmatch, hashes)):
            raise ValueError(f"{line}: no exact pin with SHA-256 hashes; run make lock")
        name = canonicalize_name(required.name)
        pins.append(Pin(name, exact[1], required.marker, len(hashes)))
    return pins


def constraints() -> dict[str, str]:
    """Name to version, of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line)
    return {canonicalize_name(name): version for name, version in pairs}
