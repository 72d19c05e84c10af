"""An audit of what is deployed, without the network: pins, hashes, licences, installed versions.

It knows no advisories. `pip-audit` asks their database, before a release: CONTRIBUTING.md.

    python -m tests.packaging.audit
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from tests.packaging.locks import DEPLOYMENTS, Pin, constraints, lock_file, pins_of

# Of those, each may be deployed with a program under the MIT licence. As in the metadata: SPDX
# expressions, or the older classifiers.
ALLOWED = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause"),
    *("CC0-1.0", "ISC", "LGPL-3.0-only", "MIT", "MPL-2.0", "PSF-2.0", "Python-2.0", "Zlib"),
    *("Apache Software License", "BSD License", "ISC License (ISCL)", "MIT License"),
    *("Mozilla Public License 2.0 (MPL 2.0)", "Python Software Foundation License"),
}
# Packages whose metadata name another licence, and why they may be deployed all the same.
READ_BY_HAND = {
    "docutils": "public domain and BSD; GPL is that of an Emacs mode, which is not installed",
}


def faults() -> Iterator[str]:
    """What is wrong, one line each."""
    fixed = constraints()
    for deployment in DEPLOYMENTS:
        try:
            pins = pins_of(lock_file(deployment).read_text("utf-8"))
        except ValueError as error:
            yield f"{deployment}: {error}"
            continue
        for pin in pins:
            yield from (f"{deployment}: {pin.name}: {fault}" for fault in of_pin(pin, fixed))


def of_pin(pin: Pin, fixed: dict[str, str]) -> Iterator[str]:
    """What is wrong with one pin. fixed: constraints.txt."""
    if fixed.get(pin.name) != pin.version:
        yield f"{pin.version}, but constraints.txt has {fixed.get(pin.name)}; run make lock"
    if pin.marker is not None and not pin.marker.evaluate():
        return
    try:
        found = distribution(pin.name)
    except PackageNotFoundError:
        yield "is not installed here, so that no test ran with it; install the environment again"
        return
    if found.version != pin.version:
        yield f"{pin.version}, but tests ran with {found.version}; install the environment again"
    if pin.name not in READ_BY_HAND and (unknown := not_allowed(licences(found))):
        yield f"licence {', '.join(sorted(unknown))}; read it, and add it to {__file__}"


def licences(found: Distribution) -> set[str]:
    """The licences that the metadata of a package name."""
    about = found.metadata
    if expression := about["License-Expression"]:
        return set(re.split(r"\s+(?:AND|OR)\s+", re.sub(r"[()]", "", expression)))
    classifiers = about.get_all("Classifier") or []
    named = {c.split(" :: ")[-1] for c in classifiers if c.startswith("License ::")}
    return named - {"OSI Approved"} or {(about["License"] or "none named").splitlines()[0]}


def not_allowed(named: set[str]) -> set[str]:
    """Those that are not in the list."""
    return named - ALLOWED


def main() -> int:
    """Print the faults; the exit code is 1 if there are some."""
    found = list(faults())
    print("\n".join(found) or "audit: pins, hashes, versions and licences hold (no advisories)")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
