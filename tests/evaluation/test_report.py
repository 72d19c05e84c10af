import doctest
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.evaluation import score_rows
from ratecast.evaluation.comparison import (
    by_history_length,
    by_movie,
    by_period,
    comparisons,
    differences,
    reliability,
)
from ratecast.evaluation.list_quality import ListQuality
from ratecast.evaluation.protocol import Trial
from ratecast.evaluation.ranking import Ranking, bootstraps
from ratecast.evaluation.report import Asked, Curve, collect, markup, write_report
from ratecast.evaluation.subject import Subject
from ratecast.metrics.intervals import DRAWS
from ratecast.modelling.contract.model import Model
from ratecast.models.bias import Bias
from ratecast.models.mean import Mean
from ratecast.plots import canvas
from ratecast.ratings import Ratings, checked
from ratecast.splits import Split, chronological, kfold
from tests.planted import planted

NAMES = ["mean", "bias", "stiff bias"]
BAD = '<script>alert("1")</script> & $x$ {}'

CURVE = Curve([1, 2, 3], [1.0, 0.9, 0.8], [1.1, 1.0, 1.05])
CURVES = {"bias": CURVE, "a net elsewhere": CURVE}


def make(name: str, seed: int) -> Model:
    if name == "mean":
        return Mean(seed=seed)
    return Bias(seed=seed, user_damping=50 if name == "stiff bias" else 3)


def titled(ratings: Ratings) -> Ratings:
    movies = ratings.frame["movie"].unique().sort()
    titles = [f"Film {movie} {BAD}" for movie in movies]
    return replace(ratings, movies=pl.DataFrame({"movie": movies, "title": titles}))


@pytest.fixture(scope="module")
def split() -> Split:
    return chronological(titled(planted(users=80, rows=4000)))


@pytest.fixture(scope="module")
def trials(split: Split) -> list[Trial]:
    return collect(make, NAMES, split).trials


@pytest.fixture(scope="module")
def page(trials: list[Trial], tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(trials, tmp_path_factory.mktemp("report"), CURVES)


def written(trials: list[Trial], folder: Path, curves: dict[str, Curve] | None = None) -> str:
    out = folder / "deep" / "report.html"
    write_report(Subject(trials, curves=curves or {}), out, f"planted {BAD}")
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    return out.read_text("utf-8")


def cells(page: str, heading: str) -> list[list[str]]:
    """The texts of the lines of the first table under a heading."""
    body = page[page.index(f"<h3>{heading}") :]
    lines = re.findall(r"<tr>(.*?)</tr>", body[: body.index("</table>")], re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", line)]
        for line in lines
    ]


def test_every_model_is_fitted_once_and_asked_by_both_protocols(trials: list[Trial]) -> None:
    assert [(trial.model, trial.protocol) for trial in trials] == [
        (name, asked) for name in NAMES for asked in ("frozen", "as-of")
    ]
    assert all(
        a.fit_seconds == b.fit_seconds for a, b in zip(trials[::2], trials[1::2], strict=True)
    )


def test_frozen_hears_nothing_of_as_of(split: Split, trials: list[Trial]) -> None:
    (alone,) = collect(make, ["bias"], split, Asked(protocols=["frozen"])).trials
    assert (alone.forecasts["test"].stars == trials[2].forecasts["test"].stars).all()


def test_the_figures_are_those_of_the_rows(page: str, trials: list[Trial]) -> None:
    rows = {
        (row["protocol"], row["model"]): row
        for trial in trials
        for row in score_rows.rows([trial])
        if (row["part"], row["slice"]) == ("test", "all")
    }
    for asked in ("frozen", "as-of"):
        shown = cells(page, f"{asked}: ")[1:]
        assert sorted(line[0] for line in shown) == sorted(NAMES)
        assert [line[1] for line in shown] == sorted(line[1] for line in shown)
        for model, rmse, interval, _, mae, nll, ece, coverage, n in shown:
            row = rows[asked, model]
            figures = [f"{row[key]:.4f}" for key in ("rmse", "mae", "nll", "ece")]
            assert [rmse, mae, nll, ece] == figures
            assert (coverage, n) == (f"{row['coverage']:.3f}", f"{row['n']:,}")
            low, high = (float(end) for end in interval.split(" \N{EN DASH} "))
            assert low < row["rmse"] < high


def test_every_row_is_listed(page: str, trials: list[Trial]) -> None:
    rows = [row for trial in trials for row in score_rows.rows([trial])]
    listed = page[page.index("All scores of every part") :]
    assert listed.count("<tr>") == len(rows) + 1


def test_the_page_needs_no_network(page: str) -> None:
    assert "http" not in page
    assert not re.findall(r"<(?:link|script|img|iframe|object)\b|@import", page)
    assert all(target.startswith("#") for target in re.findall(r'(?:href|src)="([^"]*)"', page))
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))


def test_no_two_things_have_one_id(page: str) -> None:
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_every_letter_is_escaped(page: str) -> None:
    assert "<script" not in page
    assert "Film 1 &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; $x$ {}" in page
    assert "planted &lt;script&gt;" in page


def test_names_of_models_are_escaped_in_plots_too(trials: list[Trial], tmp_path: Path) -> None:
    odd = [replace(trial, model=f"{BAD} {trial.model}") for trial in trials[2:4]]
    assert "<script" not in written(odd, tmp_path)


def test_colours_come_from_the_page(page: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) > 10
    assert not [color for svg in drawings for color in re.findall(r": #[0-9a-f]{6}", svg)]


def test_the_same_trials_give_the_same_page(page: str, trials: list[Trial], tmp_path: Path) -> None:
    assert written(trials, tmp_path, CURVES) == page


def test_who_beats_whom(page: str) -> None:
    matrix = page[page.index("Paired tests") :]
    assert "bias has the lowest RMSE, and is significantly better than" in matrix
    header, *lines = cells(matrix, "as-of: ")
    assert header[1:] == [line[0] for line in lines]
    values = np.array([[float(f"{cell.split('p ')[0] or 0}".replace("\N{MINUS SIGN}", "-"))
                        for cell in line[1:]] for line in lines])  # fmt: skip
    assert (values == -values.T).all()


def test_every_metric_has_paired_tests_in_favour_of_the_better(trials: list[Trial]) -> None:
    frozen = comparisons(trials, "test")[0]
    users = dict(zip(frozen.models, frozen.rankings, strict=True))
    rows = differences([frozen])
    assert len(rows) == 6 * 3
    for row in rows:
        assert row["low"] <= row["better_by"] <= row["high"]
        if row["metric"] != "rmse":
            better, worse = (Ranking.mean(users[row[side]]) for side in ("better", "worse"))
            gain = getattr(better, row["metric"]) - getattr(worse, row["metric"])
            assert row["better_by"] == pytest.approx(gain)
    alone = bootstraps(frozen.rankings, DRAWS)["ndcg"].compare()
    assert [each.adjusted for each in alone] == [
        row["p_holm"] for row in rows if row["metric"] == "ndcg"
    ]


def test_bold_rankings_are_those_that_are_not_worse_than_the_best(
    page: str, trials: list[Trial]
) -> None:
    body = page[page.index("<h2>Ranking</h2>") :]
    frozen = comparisons(trials, "test")[0]
    order = body[body.index("<tbody>") : body.index("</tbody>")]
    bold = {
        name: re.findall(r'<td class="(\w*)"', line)[4] == "best"
        for name, line in re.findall(r'<th scope="row">([^<]*)</th>(.*?)</tr>', order)
    }
    tests = {(pair.better, pair.worse): pair.p_holm < 0.05 for pair in frozen.pairs("concordance")}
    best = next(name for name in bold if all(name != worse for _, worse in tests))
    assert bold == {name: name == best or not tests[best, name] for name in bold}
    assert not bold["mean"]


def test_lists_are_those_of_the_models_as_fitted(
    page: str, split: Split, trials: list[Trial], tmp_path: Path
) -> None:
    shown = {line[0]: line for line in cells(page, "frozen: fitted on train; test")[1:]}
    assert set(shown) == set(NAMES)
    quality = ListQuality.of(make("bias", 0).fit(split.train, split.valid), split)
    assert shown["bias"][1] == f"{quality.catalogue_coverage:.4f}"
    assert shown["bias"][7:] == [f"{quality.recall:.4f}", f"{quality.lists}",
                                 f"{quality.users_with_liked}"]  # fmt: skip
    theirs = [replace(trial, model="theirs", lists={}) for trial in trials[2:4]]
    beside = written([*trials[:4], *theirs], tmp_path)
    shown = {line[0]: line for line in cells(beside, "frozen: fitted on train; test")[1:]}
    assert set(shown["theirs"][1:]) == {""}
    assert "<h2>Lists</h2>" not in written(theirs, tmp_path)


def test_training_curves_are_drawn(page: str) -> None:
    assert "<h2>Training</h2>" in page
    assert page.count("after each epoch of training") == len(CURVES)


def test_a_table_without_times_has_a_report_without_them(tmp_path: Path) -> None:
    table = planted(half=True)
    timeless = checked(replace(table, frame=table.frame.drop("at")))
    trials = collect(make, NAMES[:2], kfold(timeless)[0]).trials
    text = written(trials, tmp_path)
    assert {trial.protocol for trial in trials} == {"frozen"}
    assert "<h2>Time</h2>" not in text
    assert "UTC" not in text
    assert "0.5 to 5" in text


def test_a_single_model_beats_nobody(trials: list[Trial], tmp_path: Path) -> None:
    text = written(trials[:1], tmp_path)
    assert "<h2>Training</h2>" not in text
    assert "Paired tests" not in text
    assert "<h2>Calibration</h2>" in text


def test_a_tiny_table_has_a_report(tmp_path: Path) -> None:
    split = chronological(planted(users=3, movies=2, rows=200))
    text = written(collect(make, NAMES, split).trials, tmp_path)
    assert "<h2>Scores</h2>" in text
    assert "nan" not in text


def test_what_cannot_stand_on_one_page_is_refused(trials: list[Trial], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trials"):
        write_report(Subject([]), tmp_path / "r.html")
    with pytest.raises(InputError, match="two trials of mean, frozen"):
        write_report(Subject([trials[0], trials[0]]), tmp_path / "r.html")
    other = replace(trials[1], split=replace(trials[1].split, name="u1"))
    with pytest.raises(InputError, match="give one split"):
        write_report(Subject([trials[0], other]), tmp_path / "r.html")
    with pytest.raises(InputError, match="no trial has a forecast of part 'other'"):
        write_report(Subject(trials, "other"), tmp_path / "r.html")
    assert not list(tmp_path.iterdir())


def test_bins_hold_every_row_or_say_so(trials: list[Trial]) -> None:
    frozen, as_of = comparisons(trials, "test")
    assert sum(each.n for each in by_history_length(as_of)) <= len(as_of.part)
    unit, periods = by_period(frozen)
    assert unit == "1w" or unit == "1d"
    assert sum(each.n for each in periods) == len(frozen.part)
    every = by_movie(frozen, "bias")
    assert every["rmse"].is_sorted()
    assert every["title"].str.starts_with("Film ").all()


def test_reliability_of_a_calibrated_forecast_is_the_diagonal(trials: list[Trial]) -> None:
    random = np.random.default_rng(0)
    part = trials[0].split.train
    shares = random.dirichlet(np.ones(5), size=len(part))
    star = (shares.cumsum(axis=1) < random.random(len(shares))[:, None]).sum(axis=1) + 1.0
    given = replace(part, frame=part.frame.with_columns(rating=pl.Series(star, dtype=pl.Float32)))
    forecast = replace(trials[0].forecasts["train"], probabilities=shares)
    said, seen, n = reliability(forecast, given).T
    assert np.abs(said - seen).max() < 0.1
    assert n.min() >= 100


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(markup).failed == doctest.testmod(canvas).failed == 0
