"""The core works alone; what needs an extra says so, with a command that works."""

import os
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path

import polars as pl
import pytest

from ratecast.errors import InputError, MissingPackageError
from ratecast.optional_packages import IMPORTS, _command, install_command, missing, require
from tests import core_alone
from tests.exports import writers
from tests.planted import planted

ROOT = Path(__file__).parent.parent
DEFAULT = """
import sys
import ratecast as rc
from ratecast.cli import main
split = rc.chronological(rc.example_ratings())
model = rc.Auto(budget=2).fit(split.train, split.valid)
print(rc.evaluate(model, split), model.predict([1], [2]).frame)
assert main(["evaluate", "--model", "als", "--data", "ratings.csv"]) == 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table of one's own, with titles, and an export of another site."""
    titles = pl.format("Film {} (19{})", pl.col("movie"), 50 + pl.col("movie") % 50)
    planted().frame.with_columns(titles.alias("title")).write_csv(tmp_path / "ratings.csv")
    films = [{"Date": "2024-05-01", "Name": "Film 1", "Year": 1951, "Rating": 4}]
    writers.archive(
        tmp_path / "letterboxd.zip", {"ratings.csv": writers.table(writers.LETTERBOXD, films)}
    )
    return tmp_path


@pytest.mark.usefixtures("ml100k")
@pytest.mark.parametrize("part", ["verbs", "models", "functions"])
def test_without_the_extras_everything_works_or_says_what_is_missing(
    part: str, folder: Path
) -> None:
    words = [sys.executable, "-m", "tests.core_alone", part]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        words,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_default_model_imports_no_package_of_an_extra(folder: Path) -> None:
    told = f"print(*sorted({core_alone.of_extras()!r} & set(sys.modules)))"
    words = [sys.executable, "-c", f"{DEFAULT}\n{told}"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("extra", IMPORTS)
def test_what_is_required_of_an_extra_is_in_it(extra: str) -> None:
    known = {*core_alone.packages(extra), *core_alone.BROUGHT, "requests"}
    known |= set(core_alone.packages("serve")) if extra == "mcp" else set()
    assert set(IMPORTS[extra]) <= known
    assert missing(extra) == []
    require(extra, "anything")


def test_what_is_missing_is_said_with_what_else_can_be_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingPackageError) as error:
        require("tune", "tune", "choose the settings yourself")
    command = install_command("tune")
    assert isinstance(error.value, InputError)
    assert str(error.value) == (
        f"tune: optuna is not installed; install it with {command}, or choose the settings yourself"
    )


def test_the_command_is_of_where_the_package_came_from(tmp_path: Path) -> None:
    folder, wheel = tmp_path / "a folder", tmp_path / "ratecast-1-py3-none-any.whl"
    folder.mkdir()
    wheel.touch()
    extras = ["nets", "plots"]
    checkout = {"url": folder.as_uri(), "dir_info": {"editable": True}}
    assert _command(checkout, extras) == f"pip install -e '{folder}[nets,plots]'"
    assert _command(checkout | {"dir_info": {}}, ["nets"]) == f"pip install '{folder}[nets]'"
    (folder / "constraints.txt").touch()
    pinned = f"pip install -c '{folder}/constraints.txt' -e '{folder}[nets]'"
    assert _command(checkout, ["nets"]) == pinned
    file = {"url": wheel.as_uri(), "archive_info": {}}
    assert _command(file, ["nets"]) == f"pip install 'ratecast[nets] @ {wheel.as_uri()}'"
    vcs = {"url": "https://x.org/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    assert _command(vcs, ["serve"]) == (
        "pip install 'ratecast[serve] @ git+https://x.org/r.git@abc'"
    )
    assert _command({}, ["tune"]) == "pip install 'ratecast[tune]'"


def test_the_packages_are_named_where_the_wheel_is_not_there_any_more(tmp_path: Path) -> None:
    about = tmp_path / "ratecast-1.dist-info"
    about.mkdir()
    lines = ("numpy>=2", 'optuna>=5; extra == "tune"', 'ray>=2,<3; extra == "ray"')
    needs = "".join(f"Requires-Dist: {line}\n" for line in lines)
    (about / "METADATA").write_text(f"Name: ratecast\nVersion: 1\n{needs}", "utf-8")
    gone = {"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}}
    assert _command(gone, ["tune"], Distribution.at(about)) == "pip install 'optuna>=5'"
