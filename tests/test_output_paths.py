"""A file that cannot be written is refused before long work begins."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import ratecast as rc
from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.output_paths import HTML, check_file, check_folder
from tests.planted import planted

ON = "--data ratings.csv"
# What each command writes, with a place that is none.
WRITES = [
    f"tune bias --trials 1 {ON} --page",
    f"tune bias --trials 1 {ON} --out",
    f"tune bias --trials 1 {ON} --study",
    f"report mean {ON} --out",
    f"compare mean {ON} --out",
    f"evaluate --model mean {ON} --out",
    f"evaluate --model mean {ON} --save-forecasts",
    f"train mean {ON} --out",
    f"overfit mf {ON} --out",
    f"lr-find mf {ON} --out",
    f"sweep mf {ON} --out",
    "predict --artifact made --user 1 --items items.txt --out",
    "recommend --artifact made --rated --out",
    f"export --user 1 {ON} --out",
    "import ratings.csv --artifact made --out",
    "import ratings.csv --artifact made --doubtful",
    f"data expand {ON} --ratings 1e4 --out",
    f"data split {ON} --out",
    "reproduce --folder",
]
NAMES = {"--page": "x.html", "--study": "x.db", "report": "x.html", "tune": "x.yaml"}


@pytest.mark.parametrize("words", WRITES)
def test_what_a_command_cannot_write_is_refused_first(
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    # Nothing is read: the table and the artifact are not there.
    before = sorted(tmp_path.rglob("*"))
    name = next((name for key, name in NAMES.items() if key in words), "x.csv")
    assert main([*words.split(), f"file/below/{name}"]) == 2
    (line,) = [line for line in capfd.readouterr().err.splitlines() if "no folder f" not in line]
    assert line == f"ratecast: {tmp_path / 'file'}: is a file, and no folder; give another path"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("folder.html", "folder.html: is a folder; give the name of a file"),
        ("x.pdf", "x.pdf: unknown form of a file; end the name in .html or .htm"),
        (f"{'x' * 250}.html", r"cannot be written \(File name too long\)"),
        ("folder.html/x.html", None),
        ("pipe.html", "pipe.html: is no plain file"),
    ],
)
def test_a_name_that_cannot_be_a_file_is_refused(
    name: str, why: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.html").mkdir()
    os.mkfifo("pipe.html")
    refused: Any = pytest.raises(InputError, match=why) if why else nullcontext()
    with refused:
        check_file(Path(name), HTML)


def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    # Nobody may write there, not even root.
    with pytest.raises(InputError, match=r"/proc/1/new/x: cannot be written"):
        check_file(Path("/proc/1/new/x"))
    with pytest.raises(InputError, match="cannot be written"):
        check_folder(Path("/proc/1/new"))
    check_file(tmp_path / "new" / "x")
    check_folder(tmp_path / "new")
    assert not any(tmp_path.iterdir())


def test_from_python_it_is_refused_first(tmp_path: Path) -> None:
    split = rc.chronological(planted(rows=300))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file, and no folder"):
        rc.tune("bias", split, 1, page=tmp_path / "file" / "x.html")
    with pytest.raises(InputError, match="is a file, and no folder"):
        rc.compare([rc.Mean(), rc.Bias()], split, folder=tmp_path / "file")


@pytest.mark.parametrize(
    "words",
    [
        "tune bias --study x.html --page ./x.html",
        "tune bias --study x.yaml --out x.yaml",
        "evaluate --model mean --data x.csv --out x.csv",
        "evaluate --model mean --data x.csv --save-forecasts x.csv",
        "evaluate --model mean --out x.csv --save-forecasts x.csv",
        "evaluate --forecasts x.csv --out x.csv",
        "evaluate --train x.csv --test y.csv --out y.csv",
        "import x.csv --artifact made --out y.csv --doubtful y.csv",
    ],
)
def test_no_file_is_lost_to_another_one(
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("kept")
    assert main(words.split()) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith("is read or written too, and would be lost; give another name")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.csv", "kept")]
