"""What is refused before or during a fit out of core: one line, with a name and what to do."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import ratecast as rc
from ratecast import resources
from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.models.bias import Bias
from ratecast.out_of_core.fit import fit_out_of_core
from ratecast.out_of_core.work_folder import opened
from ratecast.table_options import TableOptions
from tests.out_of_core.tables import MODELS, SHARE, ratings, write_parts

QUIET: Any = {"notify": lambda _: None}
Change = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_parts(tmp_path / "parts", ratings())


def fit(folder: Path, work: Path, model: rc.Model | None = None, **options: Any) -> rc.Model:
    return fit_out_of_core(model or Bias(), folder, work, **({"valid": SHARE} | QUIET | options))


def damage(folder: Path) -> None:
    path = folder / "part-1.parquet"
    path.write_bytes(path.read_bytes()[:-20])


def garble(folder: Path) -> None:
    """The footer stays whole."""
    path = folder / "part-1.parquet"
    content = bytearray(path.read_bytes())
    content[200:4000] = bytes(3800)
    path.write_bytes(content)


def off_scale(folder: Path) -> None:
    table = pl.read_parquet(folder / "part-1.parquet")
    table[7, "rating"] = np.float32(0.7)
    table.write_parquet(folder / "part-1.parquet")


def no_user(folder: Path) -> None:
    table = pl.read_parquet(folder / "part-1.parquet")
    table[7, "user"] = None
    table.write_parquet(folder / "part-1.parquet")


def no_column(folder: Path) -> None:
    pl.read_parquet(folder / "part-2.parquet").drop("user").write_parquet(folder / "part-2.parquet")


def as_text(folder: Path) -> None:
    pl.read_parquet(folder / "part-2.parquet").write_csv(folder / "part-2.parquet")


def twice(folder: Path) -> None:
    pl.read_parquet(folder / "part-0.parquet")[:3].write_parquet(folder / "part-3.parquet")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (damage, "part-1.parquet: cannot be read .*copy it again"),
        (garble, "part-1.parquet: cannot be read .*copy it again"),
        (off_scale, "part-1.parquet, row 8: rating 0.7 is not on the scale 0.5:5:0.5"),
        (no_user, "part-1.parquet, row 8: no user"),
        (no_column, "part-2.parquet: no column 'user'"),
        (as_text, "part-2.parquet: is no Parquet file; .*write the parts as Parquet"),
        (twice, r"\d ratings of a pair that is rated again, and the rows are not in time order"),
    ],
)
def test_bad_parts_are_named(change: Change, words: str, folder: Path, tmp_path: Path) -> None:
    change(folder)
    options = TableOptions(scale="0.5:5:0.5")
    with pytest.raises(InputError, match=words) as refused:
        fit(folder, tmp_path / "work", options=options)
    assert "\n" not in str(refused.value)


def missing(folder: Path) -> None:
    (folder / "part-1.parquet").unlink()


def more(folder: Path) -> None:
    shutil.copy(folder / "part-1.parquet", folder / "part-9.parquet")


def changed(folder: Path) -> None:
    table = pl.read_parquet(folder / "part-1.parquet")
    table[7, "rating"] = np.float32(1.0 if table[7, "rating"] > 1 else 2.0)
    table.write_parquet(folder / "part-1.parquet")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (missing, "part-1.parquet is missing now"),
        (more, "part-9.parquet is new"),
        (changed, "part-1.parquet has changed since"),
    ],
)
def test_a_work_folder_of_other_parts_is_refused(
    change: Change, words: str, folder: Path, tmp_path: Path
) -> None:
    fit(folder, tmp_path / "work")
    change(folder)
    with pytest.raises(InputError, match=f"{words}; give another folder, or remove"):
        fit(folder, tmp_path / "work")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": Bias(iterations=3)}, "the model or its settings"),
        ({"model": MODELS["als"]()}, "the model or its settings"),
        ({"valid": 0.2}, "the validation rows"),
        ({"options": TableOptions(no_time=True)}, "how the table is read"),
    ],
)
def test_a_work_folder_of_another_fit_is_refused(
    changes: dict[str, Any], words: str, folder: Path, tmp_path: Path
) -> None:
    fit(folder, tmp_path / "work")
    with pytest.raises(InputError, match=f"of another fit: {words} .*give another folder"):
        fit(folder, tmp_path / "work", **changes)


def test_a_folder_in_use_and_one_with_other_files_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("a")
    with pytest.raises(InputError, match="has other files; give a new folder"):
        fit(folder, tmp_path / "other")
    with (
        opened(tmp_path / "work", {"parts": []}),
        pytest.raises(InputError, match="another fit works there"),
    ):
        fit(folder, tmp_path / "work")


@pytest.mark.parametrize("name", ["rows/users.bin", "by_user/stars.bin", "strata/03-04.bin"])
def test_an_incomplete_file_of_the_work_is_named(name: str, folder: Path, tmp_path: Path) -> None:
    work, make = tmp_path / "work", MODELS["bias" if "rows" in name else "mf_bias"]
    fit(folder, work, make())
    (work / name).write_bytes((work / name).read_bytes()[:-1])
    shutil.rmtree(work / "fit")
    with pytest.raises(InputError, match=re.escape(name) + ".*incomplete; remove .*start again"):
        fit(folder, work, make())


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (rc.KNN(), "model knn: is not fitted out of core; choose one of mf_bias, als, bias"),
        (rc.ALS(solver="exact"), "solver exact is in memory alone"),
    ],
)
def test_other_models_are_refused(
    model: rc.Model, words: str, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        fit(folder, tmp_path / "work", model)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("valid", [0, 1.5, "nowhere.parquet"])
def test_validation_rows_that_are_none(valid: Any, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"give one (between 0 and 1|of validation rows)"):
        fit(folder, tmp_path / "work", valid=valid)


def test_validation_rows_of_a_file(folder: Path, tmp_path: Path) -> None:
    held = ratings(seed=1)[:200]
    held.write_parquet(tmp_path / "valid.parquet")
    model = fit(folder, tmp_path / "work", valid=tmp_path / "valid.parquet")
    whole = pl.concat([pl.read_parquet(path) for path in sorted(folder.iterdir())])
    expected = Bias().fit(rc.load(whole, **QUIET), held)
    requests = held.select("user", "movie")
    found, given = model.predict(requests), expected.predict(requests)
    np.testing.assert_allclose(found.probabilities, given.probabilities, atol=1e-9)


def test_too_little_disk_or_memory_is_said_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    words = r"parts: the work on 3,000 ratings in .* needs about 0.1 MB of disk, 0.0 MB are free"
    with pytest.raises(InputError, match=words):
        fit(folder, tmp_path / "work")
    monkeypatch.undo()
    monkeypatch.setattr(resources, "available_memory", lambda: 10**6)
    with pytest.raises(
        InputError, match=r"in pieces, with 300 rows for validation: needs about 1.0 GB"
    ):
        fit(folder, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_too_little_memory_for_the_factors_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "available_memory", lambda: 1_001_000_000)
    model = rc.ALS(factors=500, solver="gradients")
    with pytest.raises(InputError, match=r"model als, 120 users and 80 movies: .*fewer factors"):
        fit(folder, tmp_path / "work", model)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out-of-core"], "give a folder for the work"),
        (["--valid", "0.1"], "--valid is of --out-of-core"),
        (["--out-of-core", "work", "--all"], "leave --all out"),
        (["--out-of-core", "work", "--split", "holdout"], "--split has no effect"),
        (["--out-of-core", "work", "--valid", "2"], "2.0 is no share"),
    ],
)
def test_the_command_refuses_in_one_line(
    words: list[str], message: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["train", "bias", "--data", str(folder), *words]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("ratecast: ")
    assert message in error


def test_the_command_trains_and_saves(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    words = ["train", "bias", "--data", str(folder), "--out-of-core", "work", "--valid=0.1"]
    assert main(words) == 0
    assert "valid/rmse" in capsys.readouterr().out
    saved = rc.load_model("lightning_logs/bias/version_0/artifact")
    assert (Path("lightning_logs/bias/version_0/artifact") / "experiment.yaml").exists()
    assert saved.predict([1], [7]).stars == pytest.approx(
        fit(folder, tmp_path / "again").predict([1], [7]).stars
    )
