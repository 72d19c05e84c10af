"""A column that says something is worth something, one of noise nothing."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ratecast as rc
from ratecast.cli import main
from ratecast.evaluation.permutation_importance import (
    Importance,
    averaged,
    permutation_importance,
)
from ratecast.evaluation.report import collect, page
from ratecast.evaluation.subject import Subject
from ratecast.models import model_class
from ratecast.splits import Split


@pytest.fixture(scope="module")
def split() -> Split:
    """A third of the movies of valid is new; `good` decides the stars, `noise` nothing."""
    random = np.random.default_rng(0)
    movies = pl.DataFrame({"movie": range(1, 91), "title": [f"Film {k}" for k in range(90)]})
    movies = movies.with_columns(good=random.normal(size=90), noise=random.normal(size=90))
    at = np.arange(4000)
    movie = random.integers(1, np.where(at < 2600, 61, 91))
    stars = np.clip(np.round(3 + movies["good"].to_numpy()[movie - 1]), 1, 5)
    frame = pl.DataFrame(
        {"user": random.integers(1, 41, 4000), "movie": movie, "rating": stars, "at": at * 3600}
    ).unique(["user", "movie"], keep="first", maintain_order=True)
    return rc.chronological(rc.Ratings(frame, movies=movies))


@pytest.mark.parametrize("name", ["cold_start", "state_space"])
def test_the_worth_of_a_column(name: str, split: Split) -> None:
    model = model_class(name)().fit(split.train, split.valid)
    worth = {one.column: one for one in permutation_importance(model, split, "valid")}
    assert list(worth) == ["good", "noise"]
    assert worth["good"].rmse_new > 0.3
    assert abs(worth["noise"].rmse_new) < 0.1
    assert worth["good"].rmse > abs(worth["noise"].rmse)
    assert worth["good"].n == len(split.parts["valid"])
    assert 0 < worth["good"].n_new < worth["good"].n
    assert permutation_importance(model, split, "valid") == tuple(worth.values())


def test_without_columns_or_use_there_is_none(split: Split) -> None:
    assert permutation_importance(rc.Bias().fit(split.train), split, "valid") == ()
    bare = {
        name: replace(part, movies=part.movies.select("movie"))
        for name, part in split.parts.items()
    }
    without = Split("bare", bare["train"], bare["valid"], bare["test"])
    model = rc.ColdStart().fit(without.train)
    assert permutation_importance(model, without, "valid") == ()


def test_the_report_says_it(split: Split) -> None:
    names = ["bias", "cold_start"]
    trials = collect(lambda name, seed: model_class(name)(seed=seed), names, split).trials
    assert {t.model: bool(t.importances) for t in trials} == {"bias": False, "cold_start": True}
    html = page(Subject(trials, "valid"), "films")
    assert "Permutation importance" in html
    assert ">good<" in html


def test_evaluate_gives_it_as_json(
    split: Split, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, films, table = split.train, tmp_path / "films.csv", tmp_path / "ratings.csv"
    known.movies.write_csv(films)
    pl.concat([known.frame, split.parts["valid"].frame, split.test.frame]).write_csv(table)
    words = ["--data", str(table), "--items", str(films), "--scale=1:5:1", "--json"]
    out = tmp_path / "rows.json"
    assert main(["evaluate", "--model", "cold_start", *words, "--out", str(out)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads(out.read_text()) == result
    (model,) = result["columns"]
    good, noise = result["columns"][model]
    assert (model, good["column"], noise["column"]) == ("cold_start", "good", "noise")
    worth = permutation_importance(rc.ColdStart().fit(known, split.valid), split, "valid")
    assert good["rmse"] == pytest.approx(worth[0].rmse, abs=0.02)
    assert main(["evaluate", "--model", "bias", *words]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == {"bias": []}


def test_the_mean_over_folds_is_that_of_their_rows() -> None:
    one = Importance("movie", "good", 0.2, 10, 0.6, 2)
    other = Importance("movie", "good", 0.5, 30, float("nan"), 0)
    noise = Importance("movie", "noise", 0.0, 10, 0.0, 2)
    assert averaged([[one, noise]]) == (one, noise)
    first, second = averaged([[noise, one], [other, noise]])
    assert first == Importance("movie", "good", (0.2 * 10 + 0.5 * 30) / 40, 40, 0.6, 2)
    assert second == Importance("movie", "noise", 0.0, 20, 0.0, 4)
