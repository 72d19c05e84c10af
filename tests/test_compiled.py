"""Compiled loops: when numba is imported, and that Python computes the same bits."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from ratecast import compiled
from ratecast.compiled import in_python, njit
from ratecast.modelling.calibration.ordered_probit import OrderedProbit
from ratecast.modelling.factors import bilinear
from ratecast.modelling.factors.bilinear import Side, Sides
from ratecast.ratings import Scale


@njit()
def half(number):  # type: ignore[no-untyped-def]
    """Half of it."""
    return number / 2


@njit()
def halves(numbers):  # type: ignore[no-untyped-def]
    """The sum of the halves."""
    total = 0.0
    for number in numbers:
        total += half(number)
    return total


def run(code: str, folder: Path | None = None) -> str:
    """What a process of its own prints."""
    words = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(words, check=True, capture_output=True, text=True, cwd=folder).stdout


def test_a_loop_calls_another() -> None:
    assert halves(np.arange(5.0)) == 5.0
    assert [str(found) for found in half.nopython_signatures] == ["(float64,) -> float64"]
    assert half.__doc__ == "Half of it."
    assert half.py_func(3.0) == 1.5


def test_python_runs_few_steps_only_before_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    with in_python(1) as few:
        assert not few
    monkeypatch.delitem(sys.modules, "numba")
    with in_python(compiled.FEW_STEPS + 1) as few:
        assert not few
    with in_python(1) as few:
        assert few
        assert half(3.0) == 1.5
        with in_python(compiled.FEW_STEPS + 1) as inner:
            assert not inner
        assert few


def as_python(monkeypatch: pytest.MonkeyPatch, call):  # type: ignore[no-untyped-def]
    """What a call gives where numba was not imported."""
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "numba")
        return call()


def test_star_probabilities_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    probit = OrderedProbit.initial(Scale(0.5, 5, 0.5), 0.9)
    mean, lengths = random.uniform(0.5, 5, 60), random.integers(0, 40, 60)
    mean[0], deviation = np.nan, random.uniform(0, 3, 60)
    expected = probit.probabilities(mean, lengths, deviation)
    found = as_python(monkeypatch, lambda: probit.probabilities(mean, lengths, deviation))
    assert np.array_equal(found, expected, equal_nan=True)


def test_scores_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    covariance = random.normal(size=(6, 9, 9))
    side = Side(random.normal(size=(6, 9)), covariance @ covariance.transpose(0, 2, 1))
    sides, rows = Sides(side, side), random.integers(0, 6, (2, 30)).astype(np.int32)
    expected = bilinear.predict(rows[0], rows[1], sides)
    found = as_python(monkeypatch, lambda: bilinear.predict(rows[0], rows[1], sides))
    assert np.array_equal(found, expected)


def test_one_forecast_imports_no_numba(tmp_path: Path) -> None:
    run(
        """
        import ratecast as rc
        rc.Bias().fit(rc.example_ratings()).save("artifact")
        """,
        tmp_path,
    )
    heavy = run(
        """
        import sys
        from ratecast.cli import main
        main(["predict", "--artifact", "artifact", "--user", "1", "--movie", "2"])
        print(sorted({"numba", "scipy", "torch", "rich", "jsonargparse"} & set(sys.modules)))
        """,
        tmp_path,
    )
    assert heavy.splitlines()[-1] == "[]"


def test_loops_from_the_cache_need_no_compiler(tmp_path: Path) -> None:
    """Loops that allocate work, and so does whatever is compiled after them."""
    (tmp_path / "loops.py").write_text(
        textwrap.dedent(
            """
            import numpy as np
            from ratecast.compiled import njit

            @njit(cache=True)
            def doubled(numbers):
                out = np.empty(len(numbers))
                for k in range(len(numbers)):
                    out[k] = 2 * numbers[k]
                return out
            """
        )
    )
    code = """
        import sys
        import numpy as np
        from loops import doubled
        print(doubled(np.arange(3.0)).sum(), "numba.np.linalg" in sys.modules)
        from numba import njit
        print(njit(lambda a: np.dot(a, a) + doubled(a).sum())(np.ones(2)))
        """
    assert run(code, tmp_path).split() == ["6.0", "True", "6.0"]
    assert run(code, tmp_path).split() == ["6.0", "False", "6.0"]


def test_a_loop_is_compiled_anew_after_a_change_of_one_that_it_calls(tmp_path: Path) -> None:
    caller = "from ratecast.compiled import njit\nfrom one import WEIGHT, step\n\n"
    caller += "@njit(cache=True)\ndef twice(x):\n    return WEIGHT * step(x)\n"
    (tmp_path / "two.py").write_text(caller)
    found = []
    for called in ("WEIGHT = 2\n{}x + 1\n", "WEIGHT = 2\n{}x + 10\n", "WEIGHT = 3\n{}x + 10\n"):
        head = "@njit(cache=True)\ndef step(x):\n    return "
        text = "from ratecast.compiled import njit\n\n" + called.format(head)
        (tmp_path / "one.py").write_text(text)
        code = "import two\nprint(two.twice(1.0), sum(two.twice.stats.cache_hits.values()))"
        found += [run(code, tmp_path).split() for _ in range(2)]
    # The second process of each reads what the first one compiled.
    assert found == [
        ["4.0", "0"], ["4.0", "1"], ["22.0", "0"], ["22.0", "1"], ["33.0", "0"], ["33.0", "1"],
    ]  # fmt: skip


def test_the_digest_of_a_loop_is_the_same_in_every_process() -> None:
    code = """
        from ratecast.loop_cache import stamp
        from ratecast.modelling.factors import bilinear
        print(stamp(bilinear.update.function, bilinear.update.options | {"fastmath": {"a", "b"}}))
    """
    assert len({run(code) for _ in range(4)}) == 1
