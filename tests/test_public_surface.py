"""The names that `import ratecast` gives: pinned, lazy, and each with an example that runs."""

import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import ratecast as rc
from ratecast.errors import InputError, NotFittedError

SURFACE = [
    "ALS", "Attention", "Auto", "Bias", "BiasedMatrixFactorization", "Blend", "ColdStart",
    "Comparison", "Evaluation", "FactorizationMachine", "Forecast", "GaussianProcess", "InputError",
    "KNN", "ListQuality", "MODELS", "MatrixFactorization", "Mean", "MissingPackageError", "Model",
    "NeuMF",
    "NotFittedError", "Ratings", "Ray", "Requests", "SVDpp", "Scale", "Split", "StateSpace",
    "VariationalMF", "chronological",
    "compare", "cross_validate", "cut", "evaluate", "example_ratings", "fit_out_of_core",
    "holdout", "kfold", "last_ratings", "least_history", "leave_one_out", "load", "load_model",
    "make_model",
    "new_users", "official", "read_splits", "rolling_origin", "score", "similar", "together",
    "top_n", "tune",
    "user_kfold", "write_splits",
]  # fmt: skip
# What an example would only repeat.
WITHOUT_EXAMPLE = {
    *("MODELS", "Model", "Comparison", "Evaluation"),
    *("InputError", "MissingPackageError", "NotFittedError"),
}


def test_the_names_are_these() -> None:
    assert rc.__all__ == sorted(SURFACE)
    assert set(SURFACE) <= set(dir(rc))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = rc.nothing  # type: ignore[attr-defined]


def test_the_typed_names_are_the_lazy_ones() -> None:
    text = Path(inspect.getfile(rc)).read_text("utf-8")
    typed = {
        line.split(" as ")[-1].strip().strip(",") for line in text.splitlines() if " as " in line
    }
    assert set(SURFACE) <= typed | {"FactorizationMachine"}


def test_importing_ratecast_imports_no_library() -> None:
    heavy = "{'numpy', 'polars', 'numba', 'torch', 'importlib.metadata'}"
    code = f"import sys, ratecast; assert not {heavy} & set(sys.modules), sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", [n for n in SURFACE if n not in WITHOUT_EXAMPLE])
def test_the_example_of_a_name_runs(name: str) -> None:
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner(verbose=False)
    examples = [test for test in finder.find(getattr(rc, name), name, globs={}) if test.examples]
    assert examples, f"{name} has no example"
    for example in examples:
        assert runner.run(example).failed == 0


def test_the_readme_of_the_module_runs() -> None:
    assert doctest.testmod(rc).failed == 0


@pytest.fixture(scope="module")
def model() -> rc.Bias:
    return rc.Bias().fit(rc.example_ratings())


@pytest.mark.parametrize(
    "ask",
    [
        lambda m, _: m.predict([1], [2]),
        lambda m, _: m.observe(rc.example_ratings()),
        lambda m, _: m.walk(rc.example_ratings()),
        lambda m, _: m.refit(rc.example_ratings()),
        lambda m, _: m.forget(1),
        lambda m, folder: m.save(folder / "artifact"),
        lambda m, _: rc.top_n(m, [1]),
    ],
)
@pytest.mark.parametrize("name", ["mean", "state_space", "als"])
def test_a_model_that_was_not_fitted_says_so(name: str, ask: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match=f"model {name}: not fitted"):
        ask(rc.make_model(name), tmp_path)
    assert not any(tmp_path.iterdir())


def frame(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"user": [1, 2], "movie": [3, 4], "rating": [3.0, 4.0]} | columns)


BAD = [
    (frame().drop("movie"), "no column for movie"),
    (frame(rating=[3.0, float("nan")]), "row 2: no rating; .* by missing='NA' of rc.load"),
    (frame(rating=[3.0, float("inf")]), "row 2: rating inf"),
    (
        frame(rating=[3.0, 7.0]),
        r"row 2: rating 7 is not on the scale 1:5:1; .* give missing=7 of rc.load",
    ),
    (frame(rating=[3.0, None]), "row 2: no rating"),
    (frame(rating=["good", "bad"]), "ratings are String|rating 'good' is not a number"),
    (frame(user=[1, None]), "row 2: no user"),
    (frame(user=[1.5, 2.0]), "row 1: user 1.5 is not an integer"),
    (frame(movie=["a", "b"]), "movie 'a': ids of this model are whole numbers"),
    (frame(at=["yesterday", "1998-04-20"]), "row 1: time 'yesterday' cannot be read"),
    (frame(at=[1.0, float("nan")]), "row 2: time nan"),
    (frame(at=[1, None]), "row 2: no at"),
    ("ratings", "str is no table"),
    ([1, 2], "list is no table"),
]


@pytest.mark.parametrize(("table", "line"), BAD)
def test_a_bad_table_never_reaches_a_kernel(table: Any, line: str, model: rc.Bias) -> None:
    """The same rows as `Ratings`, which nobody has checked, are refused as well."""
    with pytest.raises(InputError, match=line):
        model.observe(table)
    if isinstance(table, pl.DataFrame) and {"user", "movie", "rating"} <= set(table.columns):
        with pytest.raises(InputError):
            model.observe(rc.Ratings(table))
        with pytest.raises(InputError):
            model.walk(rc.Ratings(table if "at" in table.columns else table.with_columns(at=1)))
        if table.schema["movie"] == pl.Int64:
            with pytest.raises(InputError):
                rc.Bias().fit(rc.Ratings(table))


def test_a_table_changed_after_its_check_is_checked_again(model: rc.Bias) -> None:
    from dataclasses import replace

    good = rc.example_ratings()
    assert good.take(slice(0, 9)).sorted().is_checked
    bad = replace(good, frame=good.frame.with_columns(rating=pl.lit(float("nan"), pl.Float32)))
    assert not bad.is_checked
    assert not good.with_more(bad).is_checked
    for call in (model.observe, model.walk, rc.Bias().fit, rc.chronological):
        with pytest.raises(InputError, match="rating nan is not on the scale"):
            call(bad)


def test_ratings_on_another_scale_are_refused(model: rc.Bias) -> None:
    half = rc.load(frame(rating=[2.5, 3.0]))
    assert str(half.scale) == "0.5:3:0.5"
    # Another scale cannot be given to a model that is fitted; what is said works.
    fixed = r"scale 1:5:1; correct or remove it, or give missing=2\.5 of rc\.load if it stands"
    for table in (frame(rating=[2.5, 3.0]), rc.Ratings(frame(rating=[2.5, 3.0]))):
        with pytest.raises(InputError, match=fixed):
            model.observe(table)
        model.observe(rc.load(table, missing=2.5))
    with pytest.raises(InputError, match=r"row 1: rating 2\.5 is not on the scale 1:5:1"):
        model.observe(half)


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("user", [1, "a"], "row 2: column 'user' has 'a' (str), but int in row 1"),
        ("user", ["a", 1], "row 2: column 'user' has 1 (int), but str in row 1"),
        ("rating", [4.5, "x"], "row 2: column 'rating' has 'x' (str), but float in row 1"),
    ],
)
def test_a_column_of_two_types_names_the_row(column: str, values: list[Any], said: str) -> None:
    mixed = pd.DataFrame({"user": [1, 2], "movie": [3, 4], "rating": [3.0, 4.0]} | {column: values})
    with pytest.raises(InputError, match=re.escape(f"ratings, {said}; convert one, as by ast")):
        rc.load(mixed)
    assert len(rc.load(mixed.astype({column: str}), missing="x"))


def test_columns_that_are_not_used_are_named(
    model: rc.Bias, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame(at=[5, 6], price=[1.0, 2.0], when=["a", "b"])
    for table in (rc.Requests(rows.drop("rating")), rc.Requests(rows), rc.Ratings(rows), rows):
        model.predict(table)
        assert capsys.readouterr().err == "requests: columns not used: price, when\n"
    model.predict(frame(at=[5, 6]))
    assert capsys.readouterr().err == ""
    model.observe(rc.Ratings(rows))
    assert capsys.readouterr().err == "ratings: columns not used: price, when\n"


def test_pairs_are_requested_by_ids(model: rc.Bias) -> None:
    assert len(model.predict(1, 2)) == 1
    many = model.predict(np.array([1, 2, 3]), pl.Series([4, 5, 6]))
    assert many.frame["user"].to_list() == [1, 2, 3]
    assert len(model.predict([], [])) == 0
    assert len(model.predict(np.int64(1), np.int64(2))) == 1
    assert rc.top_n(model, 1, n=2).height == 2
    with pytest.raises(InputError, match="2 users and 1 movies"):
        model.predict([1, 2], [3])
    assert model.predict(["1"], ["2"]).stars == model.predict(1, 2).stars
    with pytest.raises(InputError, match="user 'ann': ids of this model are whole numbers"):
        model.predict(["ann"], ["2"])


def test_a_forecast_as_a_frame() -> None:
    ratings = rc.example_ratings()
    model = rc.Bias().fit(ratings)
    forecast = model.predict(ratings)
    table = forecast.frame
    assert table.columns == [
        "user", "movie", "at", "stars", "low", "high", "p_1", "p_2", "p_3", "p_4", "p_5",
        "history_length", "basis",
    ]  # fmt: skip
    assert table["user"].equals(ratings.frame["user"])
    np.testing.assert_array_equal(table["p_4"].to_numpy(), forecast.probabilities[:, 3])
    assert table["basis"].unique().to_list() == ["user and movie known"]
    low, high = forecast.interval(0.8).T
    inside = (ratings.stars >= low) & (ratings.stars <= high)
    assert inside.mean() >= 0.8
    assert forecast.take(np.arange(3)).frame.equals(table[:3])
    with pytest.raises(InputError, match="level is 1"):
        forecast.interval(1.0)


def test_a_frame_is_read_as_a_file_is(capsys: pytest.CaptureFixture[str]) -> None:
    times = [1_600_000_000_000, 1_600_000_001_000, 1_600_000_002_000]
    table = pl.DataFrame({"user": [1, 1, 2], "film": [1, 1, 1], "rating": [1, 5, 3], "at": times})
    lines: list[str] = []
    ratings = rc.load(table, columns="movie=film", scale="1:5", notify=lines.append)
    assert ratings.frame.rows() == [(1, 1, 5.0, 1_600_000_001), (2, 1, 3.0, 1_600_000_002)]
    assert len(lines) == 2
    assert "milliseconds" in lines[0]
    assert "latest" in lines[1]
    rc.Bias().fit(table)
    assert "latest" in capsys.readouterr().err


def test_a_walk_gives_a_frame_too() -> None:
    ratings = rc.example_ratings()
    split = rc.chronological(ratings)
    assert split.valid is not None
    walked = rc.Bias().fit(split.train).walk(split.valid)
    assert walked.frame["movie"].equals(split.valid.frame["movie"])


def test_pandas_and_arrow_tables_come_in_and_go_out() -> None:
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    plain = rc.example_ratings().frame
    wanted = rc.Bias().fit(plain).predict([1, 2], [3, 4]).stars
    for table in (plain.lazy(), plain.to_pandas(), plain.to_arrow(), arrow.table(plain)):
        model = rc.Bias().fit(table)
        np.testing.assert_array_equal(model.predict([1, 2], [3, 4]).stars, wanted)
    out = model.predict([1], [2]).frame.to_pandas()
    assert isinstance(out, pandas.DataFrame)


def test_evaluation_compares_fitted_and_new_models() -> None:
    split = rc.chronological(rc.example_ratings())
    fitted = rc.Bias().fit(split.train, split.valid)
    both = rc.compare([fitted, rc.Mean(), rc.Bias(user_damping=20.0)], split)
    assert set(both.frame["model"]) == {"bias", "mean", "bias-2"}
    assert "bias before mean" in str(both)
    assert "as-of" in str(both)
    first = fitted.predict([1], [2]).stars
    assert "RMSE" in str(rc.evaluate(fitted, split))
    assert fitted.predict([1], [2]).stars == first
    assert split.valid is not None
    fitted.observe(split.valid)
    with pytest.raises(InputError, match="not fitted on exactly the train part"):
        rc.evaluate(fitted, split)
    with pytest.raises(InputError, match="is no model; give one"):
        rc.evaluate(rc.Bias, split)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs two models or more"):
        rc.compare([fitted], split)
    with pytest.raises(InputError, match="no part 'tset'; parts are train, valid, test"):
        rc.compare([rc.Mean(), rc.Bias()], split, part="tset")
    with pytest.raises(InputError, match="folds is 1; give 2 or more"):
        rc.cross_validate(rc.Mean(), rc.example_ratings(), folds=1)
    with pytest.raises(InputError, match="3 is no model"):
        rc.compare([3, rc.Mean()], split)  # type: ignore[list-item]
    with pytest.raises(InputError, match=r"'alsx': not known; did you mean als\?"):
        rc.compare(["alsx", rc.Mean()], split)
    with pytest.raises(InputError, match="protocols are"):
        rc.evaluate(rc.Mean(), split, protocols=["x"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="share is 2"):
        rc.chronological(rc.example_ratings(), 2.0)
    with pytest.raises(InputError, match="trials is 0; give"):
        rc.tune("bias", split, trials=0)
    with pytest.raises(InputError, match="no setting 'sweep'; settings are iterations, movie_"):
        rc.make_model("bias", sweep=3)
    with pytest.raises(InputError, match="Ratings is no split"):
        rc.evaluate(rc.Mean(), split.train)  # type: ignore[arg-type]


def test_tuning_never_reads_test() -> None:
    from dataclasses import replace

    split = rc.chronological(rc.example_ratings())
    best = rc.tune(rc.Bias(), replace(split, test=None), trials=3)  # type: ignore[arg-type]
    assert best.trials == 3
    assert best.rmse <= best.default_rmse
    with pytest.raises(InputError, match="has no valid part"):
        rc.tune("bias", rc.kfold(rc.example_ratings())[0])
