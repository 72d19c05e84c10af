"""Places and pools: options, order, labels, and processes of this machine."""

import json
import os
import time
from pathlib import Path

import pytest

from ratecast.cli.places import PlaceOptions
from ratecast.errors import InputError
from ratecast.workers import LOCAL, Labelled, Local, Ray, computed, gathered, in_order, pool

ABOUT = Labelled("squares", "numbers")


def squared(number: int) -> int:
    return number * number


def refused(number: int) -> int:
    raise InputError(f"{number} is refused; give another")


def broken(number: int) -> int:
    raise ZeroDivisionError(number)


def ended(number: int) -> int:
    os._exit(number)


def slower(number: int) -> int:
    time.sleep(0.2 if number == 0 else 0.0)
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_calls_share_a_value_and_use_a_served_one(jobs: int, tmp_path: Path) -> None:
    with pool(Local(jobs=jobs)) as workers:
        shared, served = workers.share([1, 2, 3]), workers.serve(tmp_path / "a.json")
        calls = {k: (_written, shared, served, k) for k in range(3)}
        assert dict(gathered(workers, calls, ABOUT)) == {0: 1, 1: 2, 2: 3}
    assert json.loads((tmp_path / "a.json").read_text()) in (1, 2, 3)


def _written(shared, served, k):  # type: ignore[no-untyped-def]
    served.call("write_text", str(shared.value()[k]))
    return shared.value()[k]


def test_results_come_in_order_where_that_is_asked() -> None:
    with pool(Local(jobs=2)) as workers:
        found = gathered(workers, {k: (slower, k) for k in range(6)}, ABOUT)
        assert list(in_order(found, range(6))) == [(k, k) for k in range(6)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_a_call_arrives_as_it_was(jobs: int) -> None:
    with (
        pytest.raises(InputError, match=r"^2 is refused; give another$"),
        pool(Local(jobs=jobs)) as workers,
    ):
        list(gathered(workers, {"two": (refused, 2)}, ABOUT))


def test_any_other_error_says_which_call_it_was() -> None:
    with pytest.raises(ZeroDivisionError) as error, pool(Local(jobs=2)) as workers:
        list(gathered(workers, {"two": (broken, 2)}, ABOUT))
    assert error.value.__notes__ == ["squares: two"]


def test_a_process_that_ends_is_said() -> None:
    with (
        pytest.raises(InputError, match="a process ended before its work was done"),
        pool(Local(jobs=2)) as workers,
    ):
        list(gathered(workers, {"two": (ended, 2)}, ABOUT))


def test_what_no_process_can_import_is_refused_by_several_jobs_only() -> None:
    calls = {"own": lambda: 3}
    assert dict(computed(calls, LOCAL, ABOUT)) == {"own": 3}
    with pytest.raises(InputError, match=r"squares: --jobs: .*a model must stand in a module"):
        dict(computed(calls, Local(jobs=2), ABOUT))


def test_options_name_a_place() -> None:
    assert PlaceOptions().place("compare") == LOCAL
    assert PlaceOptions().place("reproduce", usual=2) == Local(jobs=2)
    assert PlaceOptions(workers=1).place("reproduce", usual=2) == LOCAL
    assert PlaceOptions().place("compare", 3) == PlaceOptions(workers=3).place("compare")
    for options, jobs, why in (
        (PlaceOptions(workers=2), 2, "--jobs and --workers are the same; give one of them"),
        (PlaceOptions(workers=0), None, "--workers is 0; give a whole number, 1 or more"),
        (PlaceOptions(on="ray"), -1, "--jobs is -1; give a whole number, 1 or more"),
        (PlaceOptions(address="auto"), None, "--address is of --on ray; add that, or leave it"),
    ):
        with pytest.raises(InputError, match=why):
            options.place("compare", jobs)
    with pytest.raises(InputError, match="workers is True; give a whole number"):
        Ray(workers=True)
