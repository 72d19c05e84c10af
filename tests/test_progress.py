"""Bars are for a person at a terminal, and leave everything else alone."""

import io
import sys

import pytest
from rich.console import Console

from ratecast.progress import _screen, bar, each, silent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put one in the place of stderr. (A fixture's would be gone: each phase has a stderr anew.)"""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return stream


def refreshed() -> None:
    assert _screen.display is not None
    _screen.display.refresh()


def test_nothing_is_shown_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(each([1, 2, 3], "work")) == [1, 2, 3]
    with bar("work", 3) as moved:
        moved.advance()
        moved.change(label="more", total=4)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_how_far_the_work_is(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with bar("walk", 200, unit="ratings") as moved:
        moved.advance(50)
        refreshed()
    shown = screen.getvalue()
    assert "walk" in shown
    assert "50 of 200 ratings" in shown
    assert "left" in shown


def test_bytes_are_shown_as_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with bar("ml-1m.zip", unit="bytes") as moved:
        moved.change(total=6_000_000)
        moved.advance(1_500_000)
        refreshed()
    assert "1.5 of 6.0 MB" in screen.getvalue()


def test_bars_stand_inside_one_another_and_all_go(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    for _ in each([1, 2], "folds"):
        with bar("fit"):
            assert _screen.display is not None
            assert [task.description for task in _screen.display.tasks] == ["folds", "fit"]
    assert _screen.display is None


def test_a_bar_goes_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    with pytest.raises(ValueError, match="no"), bar("work"):
        raise ValueError("no")
    assert _screen.display is None


def test_results_on_stdout_stay_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(monkeypatch)
    with bar("work", 2):
        print("a result")
        Console().print("a table")
    assert capsys.readouterr().out == "a result\na table\n"


def test_a_worker_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with silent(), bar("work", 3) as moved:
        moved.advance()
    assert screen.getvalue() == ""
