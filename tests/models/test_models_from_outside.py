"""A model that is no part of ratecast is named, saved, found, evaluated, tuned and reported."""

import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import pytest

import ratecast as rc
from ratecast import models
from ratecast.cli import main
from ratecast.errors import InputError

SOURCE = '''
"""The median rating, as a model of one's own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.settings import Range
from ratecast.ratings import Ratings


@dataclass(kw_only=True, eq=False)
class Median(Model):
    """The median rating of train, moved by `shift`."""

    name: ClassVar[str] = "median"
    search: ClassVar[dict[str, Range]] = {"shift": Range(0.0, 0.5)}
    shift: float = 0.0

    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._median = float(np.median(train.stars))

    def predict_rows(self, rows: Rows) -> Expected:
        return Expected(np.full(len(rows), self._median + self.shift))

    def arrays(self) -> Arrays:
        return {"median": np.array(self._median)}

    def restore_arrays(self, arrays: Arrays) -> None:
        self._median = float(arrays["median"])
'''
PATH = "median_model:Median"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the model's file and a table; nothing of it is left imported."""
    (tmp_path / "median_model.py").write_text(SOURCE, "utf-8")
    (tmp_path / "needy_model.py").write_text("import no_such_library\n", "utf-8")
    rc.example_ratings().frame.write_csv(tmp_path / "ratings.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "median_model", raising=False)
    return tmp_path


@pytest.mark.usefixtures("place")
def test_the_command_line_takes_a_class_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["train", PATH, "--data", "ratings.csv", "--model.shift", "0.1"]) == 0
    folder = "lightning_logs/median/version_0/artifact"
    assert main(["evaluate", "--model", PATH, "--data", "ratings.csv"]) == 0
    table = ["--data", "ratings.csv"]
    assert main(["tune", PATH, *table, "--trials", "2", "--protocol", "frozen"]) == 0
    assert main(["evaluate", "--model", PATH, *table, "--protocol", "as-of"]) == 2
    assert main(["report", f"mean,{PATH}", "--data", "ratings.csv", "--out", "page.html"]) == 0
    assert "median" in Path("page.html").read_text("utf-8")
    words = ["predict", "--artifact", folder, "--user", "1", "--movie", "2"]
    assert main(words) == 0
    # Another process knows the class by the variable alone.
    command = [sys.executable, "-m", "ratecast.cli", *words]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert f"RATECAST_MODELS={PATH}" in refused.stderr
    monkeypatch.setenv(models.VARIABLE, PATH)
    subprocess.run(command, check=True)
    listed = subprocess.run(
        [sys.executable, "-m", "ratecast.cli", "models"], capture_output=True, text=True, check=True
    )
    assert "median" in listed.stdout


def test_a_saved_model_from_outside_is_the_same(place: Path) -> None:
    model = models.model_class(PATH)().fit(rc.example_ratings())
    model.save(place / "artifact")
    again = rc.load_model(place / "artifact")
    assert type(again) is type(model)
    np.testing.assert_array_equal(
        again.predict([1], [2]).probabilities, model.predict([1], [2]).probabilities
    )


@pytest.mark.usefixtures("place")
def test_an_entry_point_makes_a_model_known(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("median", PATH, models.GROUP)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: EntryPoints([point]))
    assert models.model_class("median").name == "median"
    assert models.models_from_outside() == {"median": PATH}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("no_such_module:Median", "No module named 'no_such_module'"),
        ("median_model:Mean", "has no attribute 'Mean'"),
        ("needy_model:Median", "needy_model imports no_such_library, which is not installed"),
        ("pathlib:Path", "is no subclass of ratecast.Model"),
        ("medain", "not known; did you mean mean"),
        ("oracle", "not known; give package.module:Class, or choose one of mean"),
    ],
)
@pytest.mark.usefixtures("place")
def test_what_is_no_model_is_refused(path: str, line: str) -> None:
    with pytest.raises(InputError, match=line):
        models.model_class(path)
