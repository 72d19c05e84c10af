"""The start of a program: what is measured, and the table."""

import sys

import pytest

from benchmarks import records, start


def test_the_seconds_are_those_of_the_process() -> None:
    work = "import time; t = time.process_time()\nwhile time.process_time() < t + 0.3: pass"
    processor, whole = start._once([sys.executable, "-S", "-c", work])
    assert 0.3 <= processor <= whole * 1.2


def test_the_process_has_no_other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.setenv(name, "1")
    code = "import os; assert not {'PYTHONPATH', 'PYTHONDONTWRITEBYTECODE'} & os.environ.keys()"
    start._once([sys.executable, "-S", "-c", code])


def test_every_program_has_a_line() -> None:
    names = [name for name, _ in start.steps()]
    rows = [
        {"program": name, "processor": 0.25 + n, "whole": 0.5 + n, "core_mb": 682.4}
        for n, name in enumerate(names)
    ]
    table = start.start_table({"machine": records.machine(), "rows": rows})
    assert "The environment has 682 MB." in table
    assert names[1:] == ["import ratecast", "bias", "als", "state_space"]
    assert "| import ratecast | 1.25 | 1.50 |" in table
    assert "| state_space | 4.25 | 4.50 |" in table
