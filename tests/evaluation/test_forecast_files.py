"""Forecasts of every row in files, by ratecast and by others."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ratecast as rc
from ratecast.errors import InputError
from ratecast.evaluation import protocol, score_rows
from ratecast.evaluation.forecast_files import forecast_rows, read_forecasts, write_forecasts
from tests.planted import planted

SPLIT = rc.chronological(planted())
TRIALS = protocol.fit_and_predict(rc.Bias(), SPLIT)


def figures(trial: protocol.Trial, *, stars: bool = False) -> list[dict[str, float]]:
    names = ("part", "slice", "n", "rmse", "mae") + (() if stars else ("nll", "ece", "coverage"))
    rows = [row for row in score_rows.rows_of(trial) if row["part"] != "train"]
    return [{name: row[name] for name in names} for row in rows]


@pytest.mark.parametrize("name", ["all.parquet", "all.csv", "all.jsonl"])
@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.protocol)
def test_what_was_written_has_the_scores_of_the_model(
    name: str, trial: protocol.Trial, tmp_path: Path
) -> None:
    rows = write_forecasts([trial], tmp_path / name)
    assert rows == len(SPLIT.test) + len(SPLIT.valid or ())
    again = read_forecasts(tmp_path / name, SPLIT, trial.protocol)
    assert again.model == "all"
    if name.endswith("parquet"):
        assert figures(again) == figures(trial)
    else:
        for one, other in zip(figures(again), figures(trial), strict=True):
            assert one == pytest.approx(other)


def test_every_row_has_all_that_is_known_of_it() -> None:
    frames = list(forecast_rows(TRIALS))
    assert [frame["part"][0] for frame in frames] == ["valid", "test", "valid", "test"]
    assert frames[1].columns[:9] == [
        "model", "protocol", "split", "part", "user", "movie", "at", "rating", "stars",
    ]  # fmt: skip
    assert {"low", "high", "p_1", "p_5", "history_length", "basis"} <= set(frames[1].columns)
    np.testing.assert_array_equal(frames[1]["rating"], SPLIT.test.stars)


def of_another(part: rc.Ratings, path: Path) -> pl.DataFrame:
    """What another program knows: the pairs and a number, in another order."""
    random = np.random.default_rng(0)
    frame = part.frame.select("user", "movie", est=pl.Series(random.normal(3, 1, len(part))))
    frame.sample(fraction=1.0, shuffle=True, seed=1).write_csv(path)
    return frame


def uniform(frame: pl.DataFrame) -> pl.DataFrame:
    """With the same probability of every star."""
    return frame.with_columns(pl.lit(0.2).alias(f"p_{star}") for star in range(1, 6))


def test_rounded_probabilities_are_scored(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    of_another(SPLIT.test, path)
    frame = uniform(pl.read_csv(path)).with_columns(p_1=pl.lit(0.201))
    frame.write_csv(path)
    forecast = read_forecasts(path, SPLIT).forecasts["test"]
    assert forecast.probabilities[:, 0].tolist() == [0.201] * len(SPLIT.test)


def test_as_of_needs_parts_in_order_of_time(tmp_path: Path) -> None:
    path, split = tmp_path / "theirs.csv", rc.holdout(planted())
    of_another(split.test, path)
    with pytest.raises(InputError, match="as-of: part train ends after valid begins"):
        read_forecasts(path, split, "as-of")
    with pytest.raises(InputError, match="give frozen, as-of or both"):
        rc.score(pl.read_csv(path), split, protocol="asof")  # type: ignore[arg-type]


def test_stars_alone_are_scored_without_probabilities(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    frame = of_another(SPLIT.test, path)
    trial = read_forecasts(path, SPLIT)
    assert list(trial.forecasts) == ["test"]
    row = next(row for row in score_rows.rows_of(trial) if row["slice"] == "all")
    errors = frame["est"].to_numpy() - SPLIT.test.stars
    assert row["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert all(np.isnan(row[name]) for name in ("nll", "ece", "coverage"))
    counts = SPLIT.train.frame["user"].value_counts()
    given = dict(zip(counts["user"], counts["count"], strict=True))
    expected = [given.get(user, 0) for user in SPLIT.test.frame["user"]]
    assert trial.forecasts["test"].history_length.tolist() == expected


def test_of_a_pair_that_was_rated_twice_one_forecast_is_of_both(tmp_path: Path) -> None:
    twice = pl.DataFrame(
        {"user": [1, 1, 2], "movie": [5, 5, 5], "rating": [3.0, 4.0, 5.0], "at": [100, 200, 300]}
    )
    train = planted().frame
    test = rc.Ratings(twice, scale=rc.Scale(1, 5))
    split = rc.Split("mine", rc.Ratings(train, scale=rc.Scale(1, 5)), None, test)
    path = tmp_path / "f.csv"
    stars = {
        "user,movie,stars\n2,5,5\n1,5,3.5\n": [3.5, 3.5, 5.0],
        "user,movie,stars\n1,5,3\n2,5,5\n1,5,4\n": [3.0, 4.0, 5.0],
        "user,movie,at,stars\n1,5,200,4\n2,5,300,5\n1,5,100,3\n": [3.0, 4.0, 5.0],
    }
    for text, right in stars.items():
        path.write_text(text)
        kept = len(split.test)
        assert read_forecasts(path, split).forecasts["test"].stars.tolist() == right[:kept]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda f: f[1:], r"1 of [\d,]+ rows of test have no forecast, the first is user "),
        (lambda f: f.vstack(f[:2]), r"2 of [\d,]+ rows of test have more than one forecast"),
        (
            lambda f: f.vstack(f[:1].with_columns(movie=pl.lit("99999"))),
            r"1 of [\d,]+ forecasts are of no row of valid or test .*, the first in row ",
        ),
        (
            lambda f: f.with_columns(est=f["est"].scatter(3, None)),
            r"1 of [\d,]+ rows have no number as est, the first in row 4",
        ),
        (
            lambda f: f.with_columns(est=f["est"].scatter([0, 1], "NaN")),
            r"2 of [\d,]+ rows have no number as est, the first in row 1: NaN",
        ),
        (lambda f: f.with_columns(user=pl.lit("Ann")), "ids of users are String, not Int64"),
        (lambda f: f.rename({"est": "guess"}), "no column stars; columns are user, movie, guess"),
        (lambda f: f.drop("movie"), "no column movie"),
        (lambda f: f[:0], "no forecasts"),
        (lambda f: uniform(f).drop("p_2"), "probabilities p_1, p_3, p_4, p_5, but no p_2; give"),
        (
            lambda f: uniform(f).with_columns(p_5=f["est"].scatter(3, 0.5).cast(pl.Float64) * 0),
            r"the probabilities of [\d,]+ of [\d,]+ rows are below 0 or do not sum to 1, the first",
        ),
        (
            lambda f: uniform(f).with_columns(p_1=pl.lit(-0.2), p_2=pl.lit(0.6)),
            r"sum 1, least -0.2; correct them",
        ),
    ],
)
def test_what_is_wrong_is_counted_and_the_first_is_named(
    change: object, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "theirs.csv"
    of_another(SPLIT.test, path)
    changed = change(pl.read_csv(path, infer_schema=False))  # type: ignore[operator]
    changed.write_csv(path)
    with pytest.raises(InputError, match=why):
        read_forecasts(path, SPLIT)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_forecasts(tmp_path / "nothing.csv", SPLIT)
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(InputError, match="cannot be read"):
        read_forecasts(tmp_path / "text.parquet", SPLIT)
