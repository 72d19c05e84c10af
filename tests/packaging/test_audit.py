import tomllib
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging import audit
from tests.packaging.builds import ROOT
from tests.packaging.locks import DEPLOYMENTS, Pin, constraints, lock_file, pins_of

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
HASH = "--hash=sha256:" + "0" * 64


def required(extra: str) -> dict[str, Requirement]:
    """What a deployment asks for itself."""
    lines = [*PROJECT["dependencies"]]
    waiting = [extra] if extra else []
    while waiting:
        for line in PROJECT["optional-dependencies"][waiting.pop()]:
            asked = Requirement(line)
            if asked.name == "ratecast":
                waiting.extend(asked.extras)
            else:
                lines.append(line)
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_lock_has_what_the_project_asks_for(deployment: str) -> None:
    pins = {pin.name: pin for pin in pins_of(lock_file(deployment).read_text("utf-8"))}
    for name, asked in required(DEPLOYMENTS[deployment]).items():
        assert asked.specifier.contains(pins[name].version), asked


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_lock_has_no_more_than_that(deployment: str) -> None:
    pins = {pin.name for pin in pins_of(lock_file(deployment).read_text("utf-8"))}
    needed: set[str] = set()
    waiting = [(one, frozenset(one.extras)) for one in required(DEPLOYMENTS[deployment]).values()]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        asked, extras = waiting.pop()
        name = canonicalize_name(asked.name)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        needed.add(name)
        for line in distribution(name).requires or []:
            inner = Requirement(line)
            marker = inner.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in ("", *extras)):
                waiting.append((inner, frozenset(inner.extras)))
    here = {pin.name for pin in pins_of(lock_file(deployment).read_text("utf-8")) if is_here(pin)}
    assert here == needed
    assert needed <= pins
    assert not {"torch", "lightning"} & pins


def is_here(pin: Pin) -> bool:
    return pin.marker is None or pin.marker.evaluate()


def test_the_audit_holds() -> None:
    assert list(audit.faults()) == []


def test_a_pin_that_is_not_the_constraint_is_found() -> None:
    version = constraints()["numpy"]
    assert list(audit.of_pin(Pin("numpy", version, None, 1), constraints())) == []
    wrong = list(audit.of_pin(Pin("numpy", "1.0", None, 1), constraints()))
    assert [line.split(";")[0] for line in wrong] == [
        f"1.0, but constraints.txt has {version}",
        f"1.0, but tests ran with {version}",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.0",
        f"numpy>=2.0 {HASH}",
        f"numpy==2.* {HASH}",
        f"numpy @ https://pypi.org/numpy.whl {HASH}",
        "numpy==2.0 --hash=md5:0",
    ],
)
def test_a_line_without_an_exact_pin_and_hashes_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"no exact pin with SHA-256 hashes"):
        pins_of(line)


def test_licences_are_read_from_both_forms() -> None:
    assert audit.licences(distribution("rich")) <= audit.ALLOWED
    assert audit.licences(distribution("docutils")) - audit.ALLOWED
    assert audit.not_allowed({"MIT", "AGPL-3.0-only"}) == {"AGPL-3.0-only"}


def test_no_registry_but_the_public_one_is_named() -> None:
    for deployment in DEPLOYMENTS:
        assert "://" not in lock_file(deployment).read_text("utf-8")
