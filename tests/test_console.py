"""What comes from outside is printed as it is written: no pictures, no styles, no control bytes."""

import io
import sys
from pathlib import Path

import matplotlib as mpl
import polars as pl
import pytest
from matplotlib.figure import Figure
from rich.table import Table
from rich.text import Text

import ratecast as rc
from ratecast.cli import main
from ratecast.console import PlainConsole
from ratecast.plots.picture import Picture
from ratecast.progress import _screen, bar
from ratecast.ratings import Ratings
from ratecast.visible_text import in_json, lines, one_line

NASTY = ":100: [bold]x[/bold] \x1b[31mred \x07\x9b1m\u202e"
SHOWN = r":100: [bold]x[/bold] \x1b[31mred \x07\x9b1m\u202e"


def test_control_characters_become_escapes() -> None:
    assert one_line(NASTY) == SHOWN
    assert one_line("a\nb") == r"a\nb"
    assert lines("a\nb\r") == "a\nb" + r"\r"
    assert in_json('"\x9b"') == r'"\u009b"'
    assert (
        one_line("Am\u00e9lie \U0001f468\u200d\U0001f469")
        == "Am\u00e9lie \U0001f468\u200d\U0001f469"
    )


def test_texts_tables_and_styled_texts_are_shown_as_written() -> None:
    file = io.StringIO()
    console = PlainConsole(file=file, width=200)
    table = Table(NASTY, title=NASTY)
    table.add_row(NASTY)
    for view in (NASTY, table, Text(NASTY)):
        console.print(view)
    assert file.getvalue().count(SHOWN) == 4
    assert all(letter.isprintable() or letter == "\n" for letter in file.getvalue())


def test_bars_show_their_labels_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "300")
    with bar(NASTY, 3):
        assert _screen.display is not None
        _screen.display.refresh()
    assert SHOWN in screen.getvalue()
    assert "\x1b[31mred" not in screen.getvalue()


def test_a_figure_with_control_characters_is_valid() -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.set_title(NASTY)
    axes.plot([1, 2], label=NASTY)
    axes.legend()
    with mpl.rc_context({"text.parse_math": False}):
        svg = Picture(figure, NASTY).svg()
    assert not {"\x1b", "\x07", "\x9b"} & set(svg)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table and a model of nasty ids and titles."""
    monkeypatch.chdir(tmp_path)
    users = [f"{NASTY} {k}" for k in range(12)]
    rows = [
        (u, f"m{m}{NASTY}", 1 + (k * m) % 5, k + m) for k, u in enumerate(users) for m in range(9)
    ]
    frame = pl.DataFrame(rows, ["user", "movie", "rating", "timestamp"], orient="row")
    frame.write_csv("nasty[1].csv")
    rc.Bias().fit(Ratings(frame.rename({"timestamp": "at"}))).save(tmp_path / "model")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words",
    [
        ["data", "describe", "nasty[1].csv"],
        ["data", "describe", "nasty[1].csv", "--json"],
        ["data", "split", "nasty[1].csv"],
        ["data", "describe", f"nowhere{NASTY}.csv"],
        ["evaluate", "--model", "bias", "--data", "nasty[1].csv"],
        ["evaluate", "--model", NASTY],
        ["predict", "--artifact", "model", f"--user={NASTY} 1", f"--movie=m1{NASTY}"],
        ["predict", "--artifact", "model", f"--user={NASTY} 1", f"--movie=m1{NASTY}", "--json"],
        ["predict", "--artifact", "model", "--user=1", f"--movie={NASTY}"],
        ["recommend", "--artifact", "model", "--out", "o.parquet", "--data", "nasty[1].csv"],
        ["tune", "bias", "--data", "nasty[1].csv", "--trials", "1"],
        ["train", "bias", "--data", "nasty[1].csv"],
        ["models"],
        [NASTY],
    ],
)
def test_no_verb_sends_control_bytes(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(words)
    printed = "".join(capsys.readouterr())
    assert printed
    assert all(letter.isprintable() or letter == "\n" for letter in printed), printed
    assert "\N{HUNDRED POINTS SYMBOL}" not in printed


@pytest.mark.usefixtures("folder")
def test_a_scale_is_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    pl.DataFrame({"user": [1, 1], "movie": [1, 2], "rating": [1, 100]}).write_csv("percent.csv")
    assert main(["data", "describe", "percent.csv", "--scale", "1:100:1"]) == 0
    assert "1:100:1" in capsys.readouterr().out
