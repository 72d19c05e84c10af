"""The model of docs/new-model.md is saved, loaded, evaluated, tuned and reported."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ratecast as rc
from ratecast.cli import main
from tests.docs.blocks import ROOT, blocks

PAGE = ROOT / "docs" / "new-model.md"
CLASS = "movie_mean:MovieMean"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the file of the page and a table of ratings."""
    (file,) = (block for block in blocks(PAGE) if block.title)
    (tmp_path / file.title).write_text(file.text, "utf-8")
    rc.example_ratings().frame.write_csv(tmp_path / "ratings.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "movie_mean", raising=False)
    return tmp_path


def _model_class() -> Any:
    return rc.make_model(CLASS).__class__


def test_it_is_saved_loaded_and_evaluated(place: Path) -> None:
    split = rc.chronological(rc.example_ratings())
    model = _model_class()(damping=2.0).fit(split.train, split.valid)
    model.observe(split.valid)
    model.save(place / "artifact")
    loaded = rc.load_model(place / "artifact")
    assert type(loaded) is type(model)
    assert loaded.settings() == model.settings()
    assert split.test is not None
    before, after = model.predict(split.test), loaded.predict(split.test)
    np.testing.assert_array_equal(after.stars, before.stars)
    np.testing.assert_array_equal(after.probabilities, before.probabilities)
    np.testing.assert_array_equal(after.history_length, before.history_length)
    scores = rc.compare([rc.Mean(), _model_class()()], split)
    assert set(scores.frame["protocol"]) == {"frozen", "as-of"}
    assert "movie_mean" in str(scores)


def test_it_can_be_updated_as_the_contract_demands(place: Path) -> None:
    assert place
    stream = rc.example_ratings().sorted()
    walked = _model_class()().fit(stream).walk(stream)
    assert len(walked) == len(stream)
    assert _model_class().updates_online()


def test_it_is_tuned(place: Path) -> None:
    assert place
    split = rc.chronological(rc.example_ratings())
    assert set(rc.tune(_model_class()(), split, trials=2).settings) == {"damping"}


def test_every_verb_takes_it(place: Path) -> None:
    data = ["--data", "ratings.csv"]
    assert main(["train", CLASS, *data, "--model.damping", "3"]) == 0
    assert main(["evaluate", "--model", CLASS, *data, "--protocol", "as-of"]) == 0
    assert main(["tune", CLASS, *data, "--trials", "2"]) == 0
    assert main(["report", f"mean,{CLASS}", *data, "--out", "page.html"]) == 0
    assert "movie_mean" in (place / "page.html").read_text("utf-8")
    artifact = "lightning_logs/movie_mean/version_0/artifact"
    assert main(["predict", "--artifact", artifact, "--user", "1", "--movie", "2"]) == 0
