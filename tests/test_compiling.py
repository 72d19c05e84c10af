"""Loops are compiled ahead, and kept where they are found again, or that is said."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.caching import InTreeCacheLocator

import ratecast
from ratecast import compiling, loop_cache

COMPILE = """
import sys
import numpy as np
import ratecast
from ratecast import compiling, models
from ratecast.cli import main
from ratecast.radix_sort import order
models.MODELS.clear()
models.MODELS.update(neumf="ratecast.models.neumf.model:NeuMF")
for name in ("mean", "bias"):
    models.MODELS[name] = f"ratecast.models.{name}:{name.title()}"
sys.modules["torch"] = None
def use(name, folder):
    print("used", name, file=sys.__stderr__)
    if name == "neumf":
        ratecast.make_model(name).fit(ratecast.example_ratings())
    order(np.array([3, 1, 2]))
compiling._use = use
sys.exit(main(["doctor", "--compile", *sys.argv[1:]]))
"""


def compiled(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Of a few loops alone: those of all models take minutes to compile."""
    return subprocess.run(
        [sys.executable, "-c", COMPILE, *words],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_loops_are_compiled_once_and_found_again(tmp_path: Path) -> None:
    first = json.loads(compiled(tmp_path, "--json").stdout)
    assert first["folder"] == str(tmp_path)
    assert 0 < first["loops"] <= first["forms"]
    assert first["left_out"] == ["neumf"]
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}
    assert len([path for path in kept if path.suffix == ".nbi"]) >= first["loops"] // 2
    said = compiled(tmp_path).stdout
    # Fewer, since what is inside a loop that was found is not looked for.
    assert re.match(r"\d+ compiled loops for \d+ forms of arguments, ready in", said)
    assert f"kept in {tmp_path}; without neumf" in said
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")} == kept


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = compiled(tmp_path / "file" / "cache")
    assert done.returncode == 2
    *used, line = done.stderr.splitlines()
    # Not bias too: it stops at the first loop.
    assert used == ["used neumf", "used mean"]
    assert line == (
        f"ratecast: doctor: compiled loops cannot be kept in {tmp_path}/file/cache (Not a "
        "directory); set NUMBA_CACHE_DIR to a folder that can be written"
    )


def test_a_folder_that_can_only_be_read_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise PermissionError("read-only")

    module = tmp_path / "module.py"
    module.touch()
    monkeypatch.setattr(InTreeCacheLocator, "ensure_cache_path", refuse)
    locate = loop_cache._PackageFolder.from_function
    assert locate(refuse, str(module)) is None
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "loop.nbi").touch()
    assert locate(refuse, str(module)).get_cache_path() == str(tmp_path / "__pycache__")


def test_every_room_with_loops_is_looked_through() -> None:
    source = Path(compiling.__file__).parent
    rooms = {
        f"ratecast.{path.relative_to(source).with_suffix('').as_posix().replace('/', '.')}"
        for path in source.rglob("*.py")
        if re.search(r"^@njit", path.read_text("utf-8"), re.MULTILINE)
    }
    assert not [room for room in rooms if room.startswith(compiling._NO_LOOPS)]


def test_a_model_is_used_with_times_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = []
    load = ratecast.load

    def noted(table: Path, *, no_time: bool) -> ratecast.Ratings:
        timed.append(not no_time)
        return load(table, no_time=no_time)

    monkeypatch.setattr(ratecast, "load", noted)
    compiling._use("bias", tmp_path)
    assert timed == [True, False]
    assert ratecast.load_model(tmp_path / "bias").name == "bias"
