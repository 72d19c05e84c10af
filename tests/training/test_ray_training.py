"""Nets that the workers of a Ray cluster train together."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.models import load_model
from ratecast.optional_packages import install_command
from ratecast.ratings import Ratings
from ratecast.splits import Split, chronological
from ratecast.training import make_model
from ratecast.training.experiment import Experiment
from ratecast.training.train import Run, train
from ratecast.workers import Ray
from tests.training.tables import planted

pytestmark = [
    pytest.mark.xdist_group("ray"),
    # Of Ray Train's own, which sets every option of its data.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context"),
]

SPLIT = planted(users=30, movies=20).split
TRAINER: dict[str, Any] = {"epochs": 4, "batch_size": 37, "patience": 4}


def experiment(out: Path, name: str, **settings: Any) -> Experiment:
    trainer = TRAINER | settings.pop("trainer", {})
    return Experiment.of(make_model(name, seed=1, trainer=trainer, **settings), out=out)


def forecasts(run: Run, split: Split = SPLIT) -> np.ndarray:
    return load_model(run.artifact).predict(split.test.requests()).stars


# Refusals.


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("bias", "--on ray trains nets, and bias has none here"),
        ("auto", "--on ray trains nets, and auto has none here"),
        ("mf_bias", "choose neumf, attention, mf, or mf_bias with --model.solver lightning"),
        ("als", "give --out-of-core WORK for als and mf_bias"),
        ("mf --trainer.accelerator gpu", "workers of --on ray train on the CPU, not on gpu"),
        ("mf --workers 0", "0; give a whole number"),
    ],
)
def test_what_no_workers_train_is_refused(
    words: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    pytest.importorskip("ray")
    monkeypatch.chdir(tmp_path)
    SPLIT.train.frame.write_csv("ratings.csv")
    assert main(["train", *words.split(), "--on", "ray", "--data", "ratings.csv"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ratecast: ")
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] in (
        ["ratings.csv"],
        ["lightning_logs", "ratings.csv"],
        ["ratings.csv", "lightning_logs"],
    )
    assert not list(tmp_path.glob("*/*/*"))


def test_ray_train_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError) as error:
        train(experiment(tmp_path, "mf"), SPLIT, Ray(workers=1))
    assert str(error.value) == (
        f"--on ray: pandas is not installed; install it with {install_command('ray-train')}"
    )
    assert not list(tmp_path.glob("*/*"))


# On a cluster.


@pytest.fixture
def on(ray_address: str) -> Callable[[int], Ray]:
    pytest.importorskip("ray.train")
    return lambda count: Ray(workers=count, address=ray_address)


@pytest.fixture
def wide(wide_ray_address: str) -> Ray:
    pytest.importorskip("ray.train")
    return Ray(workers=3, address=wide_ray_address)


SPARSE = {"trainer": {"gradients": "sparse"}}


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("name", "settings"),
    [("neumf", {}), ("mf", {}), ("mf", SPARSE), ("attention", {})],
)
def test_one_worker_trains_to_the_same_bits(
    name: str, settings: dict[str, Any], on: Callable[[int], Ray], tmp_path: Path
) -> None:
    here, there = (
        train(experiment(tmp_path / str(number), name, **settings), SPLIT, place)
        for number, place in enumerate((None, on(1)))
    )
    assert there.figures == here.figures
    assert np.array_equal(forecasts(there), forecasts(here))
    curves = [scalars(run) for run in (here, there)]
    assert curves[0] == curves[1]
    assert len(curves[0]["valid/rmse"]) == TRAINER["epochs"]


def scalars(run: Run) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(run.folder)).Reload()
    names = [f"{part}/{figure}" for part in ("train", "valid") for figure in ("loss", "rmse")]
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in [*names, "final/valid_rmse"]
    }


NO_DROPOUT = {"id_dropout": 0.0}


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("name", "settings"),
    [("attention", {}), ("mf", NO_DROPOUT), ("mf", NO_DROPOUT | SPARSE)],
)
def test_without_dropout_three_workers_take_the_steps_of_one(
    name: str, settings: dict[str, Any], wide: Ray, tmp_path: Path
) -> None:
    # 37 rows do not divide by 3, nor do those of the last batch.
    here = train(experiment(tmp_path / "here", name, **settings), SPLIT)
    there = train(experiment(tmp_path / "there", name, **settings), SPLIT, wide)
    assert there.figures == pytest.approx(here.figures, rel=1e-4)
    np.testing.assert_allclose(forecasts(there), forecasts(here), rtol=2e-3)
    assert not list(there.folder.glob(".ray*"))
    assert {path.name for path in (there.folder / "checkpoints/fit").iterdir()} == {
        "best.ckpt",
        "last.ckpt",
    }


@pytest.mark.cluster
def test_metrics_of_two_workers_are_within_the_spread_of_seeds(
    on: Callable[[int], Ray], ml100k: Ratings, tmp_path: Path
) -> None:
    split = chronological(ml100k)

    def error(seed: int, place: Ray | None) -> float:
        made = make_model("neumf", seed=seed, trainer={"epochs": 6})
        task = Experiment.of(made, out=tmp_path / f"{place}-{seed}")
        return train(task, split, place).figures["valid/rmse"]

    alone = [error(seed, None) for seed in range(4)]
    spread = max(alone) - min(alone)
    assert min(alone) - spread < error(0, on(2)) < max(alone) + spread


@pytest.mark.cluster
def test_a_loss_that_is_not_finite_is_said_at_once(
    on: Callable[[int], Ray], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wild = {"trainer": {"learning_rate": 1e30}}
    with pytest.raises(InputError, match=r"loss of epoch 1 is .*; lower trainer.learning_rate"):
        train(experiment(tmp_path, "mf", **wild), SPLIT, on(2))
    # It was not tried again, as after a lost worker.
    assert capfd.readouterr().err == ""
    assert not list(tmp_path.glob("mf/*/.ray*"))


@contextmanager
def killed(when: Callable[[], bool]) -> Iterator[list[int]]:
    """Kill one of the processes that train, as soon as `when` says so; its id."""
    found: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set() and not found:
            if when():
                found.extend(working()[-1:])
                os.kill(found[0], signal.SIGKILL)
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def working() -> list[int]:
    """The processes of workers, which Ray names by their work; the last one began last."""
    below = psutil.Process().children(recursive=True)
    return sorted(each.pid for each in below if "RayTrainWorker" in " ".join(each.cmdline()))


@pytest.mark.cluster
def test_a_worker_that_is_killed_costs_no_more_than_an_epoch(
    on: Callable[[int], Ray], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    slow = {"trainer": {"epochs": 30, "patience": 30, "batch_size": 8}}
    whole = train(experiment(tmp_path / "whole", "neumf", **slow), SPLIT, on(2))
    capfd.readouterr()
    home = tmp_path / "killed"
    last = home / "neumf" / "version_0" / "checkpoints" / "fit" / "last.ckpt"
    with killed(last.exists) as pids:
        there = train(experiment(home, "neumf", **slow), SPLIT, on(2))
    assert pids
    assert there.folder.name == "version_0"
    assert there.figures == whole.figures
    assert np.array_equal(forecasts(there), forecasts(whole))
    assert scalars(there) == scalars(whole)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "training: a worker was lost; all go on after the last epoch on the disk"
    ]


@pytest.mark.cluster
def test_the_command_trains_a_net_on_a_cluster(
    ray_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    pytest.importorskip("ray.train")
    monkeypatch.chdir(tmp_path)
    SPLIT.train.frame.write_csv("ratings.csv")
    results = Path("~/ray_results").expanduser()
    before = sorted(results.glob("*")) if results.exists() else []
    words = "mf --trainer.epochs 2 --data ratings.csv --scale 0:10:0.5 --all --on ray --workers 2"
    assert main(["train", *words.split(), "--address", ray_address]) == 0
    assert "valid/rmse" in capsys.readouterr().out
    saved = load_model(Path("lightning_logs/mf/version_0/artifact"))
    # The second fit is on every rating.
    assert saved.predict([1000], [1]).stars.shape == (1,)
    assert sorted(path.name for path in Path("lightning_logs/mf/version_0/checkpoints").iterdir())
    assert (sorted(results.glob("*")) if results.exists() else []) == before
