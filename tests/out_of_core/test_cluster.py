"""Fits on a Ray cluster have the bits of one machine, whatever ends meanwhile."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import ratecast as rc
from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.out_of_core import alternation, by_runs, estimates, rotating
from ratecast.out_of_core import fit as fit_module
from ratecast.out_of_core.fit import fit_out_of_core
from ratecast.workers import Pool, ray_cluster
from ratecast.workers.actors import actors
from ratecast.workers.pool import pool
from tests.out_of_core.dying import Dying
from tests.out_of_core.tables import MODELS, SHARE, mf_bias, ratings, write_parts
from tests.out_of_core.test_fit import QUIET, assert_same

# One cluster for all of these tests.
pytestmark = pytest.mark.xdist_group("ray")
NAMES = ("mf_bias", "als")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parts(tmp_path_factory.mktemp("table") / "parts", ratings())


@pytest.fixture(scope="module")
def alone(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """Each model, fitted by this process."""
    home = tmp_path_factory.mktemp("alone")
    return {
        name: fit_out_of_core(MODELS[name](), parts, home / name, valid=SHARE, **QUIET)
        for name in NAMES
    }


@pytest.fixture
def on(ray_address: str) -> rc.Ray:
    return rc.Ray(workers=2, address=ray_address)


@pytest.fixture
def workers(wide_ray_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """A connection, of as many workers as its `count` says."""
    monkeypatch.setattr(by_runs, "_LEAST", 100)
    with pool(rc.Ray(workers=7, address=wide_ray_address)) as found:
        monkeypatch.setattr(fit_module, "_workers", lambda *_: nullcontext(found))
        yield found


@pytest.mark.parametrize("name", NAMES)
def test_two_workers_give_the_same_bits(
    name: str, on: rc.Ray, parts: Path, alone: dict[str, Model], tmp_path: Path
) -> None:
    model = fit_out_of_core(MODELS[name](), parts, tmp_path / "work", valid=SHARE, on=on, **QUIET)
    assert_same(model, alone[name])


@pytest.mark.cluster
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_any_number_of_workers_gives_the_same_bits(
    count: int, name: str, workers: Any, parts: Path, alone: dict[str, Model], tmp_path: Path
) -> None:
    workers.count = count
    on = rc.Ray()
    model = fit_out_of_core(MODELS[name](), parts, tmp_path / "work", valid=SHARE, on=on, **QUIET)
    assert_same(model, alone[name])


@pytest.mark.cluster
def test_an_actor_that_is_killed_in_an_epoch(
    workers: Any, parts: Path, alone: dict[str, Model], tmp_path: Path, monkeypatch: Any
) -> None:
    workers.count, ended = 2, list[int]()

    def dying(*words: Any) -> Any:
        found: Any = actors(*words)
        pids, call, calls = found.pids(), found.call, list[Any]()

        def limited(*given: Any, **more: Any) -> Any:
            calls.append(given)
            # In the second epoch.
            if len(calls) == 100 and not ended:
                ended.append(pids[1])
                os.kill(pids[1], signal.SIGKILL)
            return call(*given, **more)

        monkeypatch.setattr(found, "call", limited)
        return found

    monkeypatch.setattr(rotating, "actors", dying)
    fit = partial(fit_out_of_core, mf_bias(), parts, valid=SHARE, on=rc.Ray(), **QUIET)
    assert_same(fit(folder=tmp_path / "work"), alone["mf_bias"])
    assert ended
    monkeypatch.setattr(rotating, "AGAIN", 0)
    ended.clear()
    with pytest.raises(InputError, match=r"epochs: shard 1, on node [\d.]+: .*; it ended 1 times"):
        fit(folder=tmp_path / "again")


@pytest.mark.cluster
def test_a_worker_that_is_killed_in_a_run(
    workers: Any, parts: Path, alone: dict[str, Model], tmp_path: Path, monkeypatch: Any
) -> None:
    workers.count, mark = 2, tmp_path / "mark"
    monkeypatch.setattr(alternation, "SolveRows", partial(Dying, mark=mark))
    model = MODELS["als"]()
    fit_out_of_core(model, parts, tmp_path / "work", valid=SHARE, on=rc.Ray(), **QUIET)
    assert mark.exists()
    assert_same(model, alone["als"])


@pytest.mark.cluster
@pytest.mark.parametrize("name", NAMES)
def test_a_killed_driver_goes_on_with_and_without_ray(
    name: str, on: rc.Ray, parts: Path, alone: dict[str, Model], tmp_path: Path
) -> None:
    work = tmp_path / "work"
    words = [sys.executable, "-m", "tests.out_of_core.killed", name, str(parts), str(work)]
    before, after = {"mf_bias": (795, 9), "als": (25, 6)}[name]
    for writes, *address in ((before,), (after, on.address)):
        ran = subprocess.run([*words, str(writes), *map(str, address)], check=False)
        assert ran.returncode == -signal.SIGKILL
    assert (work / "fit" / "state.json").exists()
    other = tmp_path / "other"
    shutil.copytree(work, other)
    assert_same(fit_out_of_core(MODELS[name](), parts, work, valid=SHARE, **QUIET), alone[name])
    found = fit_out_of_core(MODELS[name](), parts, other, valid=SHARE, on=on, **QUIET)
    assert_same(found, alone[name])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["als", "--on", "ray"], "and als has none here; choose neumf, attention, mf, or mf_bias"),
        (["als", "--out-of-core", "work", "--workers", "2"], "--workers is of --on ray"),
        (["als", "--out-of-core", "work", "--address", "auto"], "--address is of --on ray"),
        (["als", "--out-of-core", "work", "--on", "mars"], "--on mars: is no place"),
        (["als", "--out-of-core", "work", "--on", "ray", "--workers", "x"], "no whole number"),
        (
            ["als", "--out-of-core", "work", "--on", "ray", "--workers", "0"],
            "0; give a whole number",
        ),
        (
            ["bias", "--out-of-core", "work", "--on", "ray"],
            "model bias: is fitted on one machine alone; leave the cluster (--on ray) out",
        ),
        (
            ["als", "--out-of-core", "work", "--on", "ray", "--model.solver", "exact"],
            "solver exact is in memory alone",
        ),
    ],
)
def test_what_no_cluster_fits_is_refused(
    words: list[str], message: str, parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["train", *words, "--data", str(parts)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("ratecast: ")
    assert message in error
    assert not list(tmp_path.glob("work*"))


@pytest.mark.cluster
def test_too_few_cores_and_too_little_memory_are_refused(
    ray_address: str, parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = partial(fit_out_of_core, mf_bias(), parts, tmp_path / "work", valid=SHARE, **QUIET)
    with pytest.raises(InputError, match="9 workers of 1 cores each need 9 cores"):
        fit(on=rc.Ray(workers=9, address=ray_address))
    one, much = rc.Ray(workers=1, address=ray_address), "each worker needs about .* of memory"
    with monkeypatch.context() as changed:
        changed.setattr(estimates, "_WORKER_PIECES", 1e15)
        changed.setattr(fit_module, "row_table", lambda *_, **__: pytest.fail("rows are read"))
        with pytest.raises(InputError, match=f"model mf_bias, 3,000 ratings: {much}, and node"):
            fit(on=one)
    # Known when the rows are numbered.
    monkeypatch.setattr(estimates, "fewest_lines", lambda _: 0)
    monkeypatch.setattr(estimates, "_WORKER_LINE_BYTES", 1e15)
    with pytest.raises(InputError, match=f"model mf_bias, 120 users and 80 movies: {much}"):
        fit(on=one)


def test_a_folder_that_a_node_does_not_have_is_refused(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, ray_address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    # As if the only node were another machine.
    monkeypatch.setattr(ray_cluster, "_mark", lambda _: nullcontext("/nowhere/mark"))
    place = f"--out-of-core work --on ray --workers 1 --address {ray_address}"
    assert main(["train", "als", "--data", str(parts), *place.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ratecast: {tmp_path / 'work'}: is not shared with node ")
    assert line.endswith("give a folder that every node has under this name, as on a network disk")
    assert not list(tmp_path.rglob("*.bin"))
    assert not (tmp_path / "lightning_logs").exists()


@pytest.mark.cluster
def test_the_command_trains_on_a_cluster(
    ray_address: str, parts: Path, alone: dict[str, Model], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    words = "--model.factors 4 --model.solver gradients --model.iterations 3"
    place = f"--out-of-core work --valid 0.1 --on ray --workers 1 --address {ray_address}"
    assert main(["train", "als", "--data", str(parts), *words.split(), *place.split()]) == 0
    saved = rc.load_model("lightning_logs/als/version_0/artifact")
    assert saved.predict([1], [7]).stars == alone["als"].predict([1], [7]).stars
