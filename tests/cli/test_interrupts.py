import signal
import sys
import threading

import pytest

from ratecast.cli import main, verbs
from ratecast.cli.interrupts import interrupts
from ratecast.errors import InputError
from tests.cli.test_verbs import Say


class _PressedWhileFinalized:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def _after_an_interrupt_that_python_drops(_: list[str]) -> int:
    unfinished = _PressedWhileFinalized()
    del unfinished
    raise InputError("a process ended before its work was done")


def test_ctrl_c_that_python_drops_still_stops(capsys: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "_run", _after_an_interrupt_that_python_drops)
    assert main(["models"]) == 130
    assert capsys.readouterr().err == "ratecast: stopped\n"


def test_what_was_there_before_is_there_again() -> None:
    before = signal.getsignal(signal.SIGINT), sys.unraisablehook
    with interrupts() as found, pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert found == [signal.SIGINT]
    assert (signal.getsignal(signal.SIGINT), sys.unraisablehook) == before


def test_another_thread_leaves_it_as_it_is() -> None:
    seen: list[bool] = []

    def use() -> None:
        with interrupts() as found:
            seen.append(not found)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [True]
