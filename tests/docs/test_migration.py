"""The migration page lists every renamed model and setting that the code still accepts."""

import re
from importlib import import_module

import pytest

import ratecast as rc
from ratecast.modelling.contract import renamed
from tests.docs.blocks import ROOT

TEXT = (ROOT / "docs" / "migration.md").read_text("utf-8")


def _section(title: str) -> str:
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_models_are_those_of_the_code() -> None:
    pairs = re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", _section("Models"), re.MULTILINE)
    assert dict(pairs) == renamed.MODELS


def test_the_settings_are_those_of_the_code() -> None:
    table: dict[str, dict[str, str]] = {}
    row = r"^\| ([^|]+) \| `(\w+)` \| `(\w+)` \|$"
    for place, old, new in re.findall(row, _section("Settings"), re.MULTILINE):
        table.setdefault(place.strip("`"), {})[old] = new
    assert table.pop("mf_bias`, under `descent") == renamed.DESCENT
    assert table.pop("nets, under `trainer") == renamed.TRAINER
    assert table == renamed.SETTINGS


PLACES = re.findall(r"`((?:data|evaluation|modelling|models|queries|splits|training)\.[\w.]+)`",
                    "\n".join(line.rpartition(" | ")[2] for line in
                              _section("Python").splitlines()))  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_new_place_exists(place: str) -> None:
    try:
        import_module(f"ratecast.{place}")
    except ModuleNotFoundError:
        module, _, name = place.rpartition(".")
        assert hasattr(import_module(f"ratecast.{module}"), name)


def test_the_public_names_exist() -> None:
    for name in re.findall(r"\brc\.(\w+)", TEXT):
        assert hasattr(rc, name), name


def test_the_hooks_exist() -> None:
    names = re.findall(r"`([a-z_]+)`", "".join(
        line.rpartition(" | ")[2] for line in TEXT.splitlines() if line.startswith("| `_")
    ))  # fmt: skip
    assert len(names) == 11
    assert all(hasattr(rc.Model, name) for name in names)
