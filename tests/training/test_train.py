import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning import Callback, LightningModule, Trainer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.modelling.nets.net_model import NetModel
from ratecast.models import load_model
from ratecast.table_options import TableOptions
from ratecast.training import lightning_trainer as fit_module
from ratecast.training import make_model
from ratecast.training.experiment import Experiment
from ratecast.training.runs import LOCK, fingerprint, run_folder
from ratecast.training.train import rmse, train
from tests.training.tables import few

SLOW: dict[str, Any] = {"epochs": 6, "batch_size": 32, "patience": 6}


def experiment(out: Path, name: str = "mf_bias", **fields: Any) -> Experiment:
    made = make_model(name, seed=1, **({} if name == "mean" else {"trainer": SLOW}))
    return Experiment.of(made, out=out, **fields)


def thinned(out: Path) -> Experiment:
    """The same, whose gradients are those of the rows of a batch alone."""
    return Experiment.of(make_model("mf", seed=1, trainer={**SLOW, "gradients": "sparse"}), out=out)


def events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder)).Reload()


class Kill(Callback):
    """Ends training after an epoch, as a signal would: nothing after it is run."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch == self.epoch:
            raise SystemExit(9)


def killed(task: Experiment, monkeypatch: pytest.MonkeyPatch, epoch: int = 3) -> None:
    with monkeypatch.context() as patch:
        kept = fit_module.LightningTrainer._default_callbacks
        patch.setattr(
            fit_module.LightningTrainer, "_default_callbacks", lambda *a: [*kept(*a), Kill(epoch)]
        )
        with pytest.raises(SystemExit):
            train(task, few())


def test_a_run_leaves_curves_checkpoints_and_an_artifact(tmp_path: Path) -> None:
    split = few()
    run = train(experiment(tmp_path), split)
    assert run.folder == tmp_path / "mf_bias" / "version_0"
    assert {p.name for p in (run.folder / "checkpoints/fit").iterdir()} == {
        "best.ckpt",
        "last.ckpt",
    }
    assert split.valid is not None
    assert run.figures["valid/rmse"] == rmse(load_model(run.artifact), split.valid)
    seen = events(run.folder)
    scalars = {"train/loss", "train/rmse", "valid/loss", "valid/rmse"}
    assert scalars | {"final/valid_rmse", "final/train_rmse"} <= set(seen.Tags()["scalars"])
    assert len(seen.Scalars("valid/rmse")) == SLOW["epochs"]
    assert seen.Scalars("final/valid_rmse")[0].value == pytest.approx(run.figures["valid/rmse"])
    best = min(event.value for event in seen.Scalars("valid/rmse"))
    assert best == pytest.approx(run.figures["valid/rmse"], rel=1e-5)


def test_hyper_parameters_are_logged(tmp_path: Path) -> None:
    run = train(experiment(tmp_path), few())
    assert "_hparams_/session_start_info" in events(run.folder).PluginTagToContent("hparams")
    assert "factors: 16" in (run.folder / "hparams.yaml").read_text()


def test_a_model_without_a_net_trains_too(tmp_path: Path) -> None:
    run = train(experiment(tmp_path, "mean"), few())
    assert load_model(run.artifact).name == "mean"
    assert run.parameters == 0
    assert "final/valid_rmse" in events(run.folder).Tags()["scalars"]


def test_each_run_gets_its_own_version(tmp_path: Path) -> None:
    runs = [train(experiment(tmp_path, "mean"), few()) for _ in range(3)]
    assert [run.folder.name for run in runs] == ["version_0", "version_1", "version_2"]


@pytest.mark.parametrize("make", [experiment, thinned])
def test_a_killed_run_goes_on_to_the_same_bits(
    make: Callable[[Path], Experiment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = few()
    whole = train(make(tmp_path / "whole"), split)
    task = make(tmp_path / "killed")
    killed(task, monkeypatch)
    assert not list((tmp_path / "killed").glob("*/version_0/artifact"))
    resumed = train(task, split)
    assert resumed.folder.name == "version_0"
    assert resumed.figures == whole.figures
    asked = split.test.requests()
    first, second = (load_model(run.artifact).predict(asked).stars for run in (whole, resumed))
    assert np.array_equal(first, second)
    steps = {event.step for event in events(resumed.folder).Scalars("valid/rmse")}
    assert len(steps) == SLOW["epochs"]


class _Ending(Callback):
    """Ends the run in its third epoch, by what is no error of ours."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch == 2:
            raise KeyError("ended")


def test_a_run_that_goes_on_knows_the_epochs_before(tmp_path: Path) -> None:
    def trained(folder: Path, *callbacks: Callback) -> fit_module.LightningTrainer:
        trainer = fit_module.LightningTrainer(folder=folder, callbacks=[*callbacks])
        model, split = make_model("mf", seed=1, trainer=SLOW), few()
        assert isinstance(model, NetModel)
        model.train_net = trainer
        model.fit(split.train, split.valid)
        return trainer

    with pytest.raises(KeyError, match="ended"):
        trained(tmp_path / "ended", _Ending())
    resumed, whole = trained(tmp_path / "ended"), trained(tmp_path / "whole")
    assert len(whole.history) == SLOW["epochs"]
    assert resumed.history == whole.history


def test_a_killed_run_without_valid_goes_on_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = replace(few(), valid=None)
    whole = train(experiment(tmp_path / "whole"), split)
    task = experiment(tmp_path / "killed")
    with monkeypatch.context() as patch:
        patch.setattr("tests.training.test_train.few", lambda: split)
        killed(task, monkeypatch, epoch=2)
    assert train(task, split).figures == whole.figures


@pytest.mark.parametrize("patience", [1, 9])
def test_a_run_killed_after_its_last_epoch_trains_no_further(
    patience: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = {"epochs": 9, "batch_size": 16, "patience": patience, "learning_rate": 0.1}
    whole = train(experiment(tmp_path / "whole").changed(trainer=hasty), few())
    task = experiment(tmp_path / "killed").changed(trainer=hasty)
    with monkeypatch.context() as patch:
        patch.setattr(Model, "save", lambda *_: sys.exit(9))
        with pytest.raises(SystemExit):
            train(task, few())
    resumed = train(task, few())
    assert resumed.folder.name == "version_0"
    assert resumed.figures == whole.figures
    first, second = (
        {event.step for event in events(run.folder).Scalars("valid/rmse")}
        for run in (whole, resumed)
    )
    assert first == second
    assert (len(first) == 9) == (patience == 9)


@pytest.mark.parametrize("change", ["never", "settings", "ratings"])
def test_only_the_very_same_run_goes_on(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, split = experiment(tmp_path), few()
    killed(task, monkeypatch)
    if change == "never":
        task = replace(task, resume="never")
    elif change == "settings":
        task = task.changed(factors=3)
    else:
        split = few(seed=9)
    assert train(task, split).folder.name == "version_1"


def test_a_run_that_still_lives_is_left_alone(tmp_path: Path) -> None:
    task, split = experiment(tmp_path), few()
    with run_folder(task, split) as first, run_folder(task, split) as second:
        assert (first.name, second.name) == ("version_0", "version_1")
    with run_folder(task, split) as third:
        assert third.name == "version_1"
        assert (third / LOCK).exists()


def test_a_fingerprint_is_of_the_ratings() -> None:
    assert fingerprint(few(1)) == fingerprint(few(1))
    assert fingerprint(few(1)) != fingerprint(few(2))


SCRIPT = """
import sys
from pathlib import Path
from tests.training.tables import few
from tests.training.test_train import experiment
from ratecast.training.train import train
long = {"epochs": 100_000, "patience": 100_000, "batch_size": 32}
train(experiment(Path(sys.argv[1])).changed(trainer=long), few())
"""


def test_a_run_killed_by_the_system_can_be_taken_up(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    with subprocess.Popen(command, cwd=root, env=env) as process:
        last = tmp_path / "mf_bias/version_0/checkpoints/fit/last.ckpt"
        until = time.monotonic() + 60
        while not last.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    long = {"epochs": 100_000, "patience": 100_000, "batch_size": 32}
    task = experiment(tmp_path).changed(trainer=long)
    with run_folder(task, few()) as folder:
        assert folder.name == "version_0"
    assert last.exists()


def test_too_few_ratings_for_production_are_said_without_a_split(tmp_path: Path) -> None:
    table, header = tmp_path / "t.csv", "user,movie,rating,at\n"
    few = experiment(tmp_path, "mean", data=str(table), split="all")
    table.write_text(header + "1,1,4,1000000000\n")
    with pytest.raises(InputError, match=r"t\.csv: 1 rating cannot be .*; give more ratings$"):
        train(few)
    table.write_text(header + "".join(f"{k},1,4,1000000000\n" for k in range(9)))
    with pytest.raises(InputError, match=r"9 ratings cannot be .*, or leave .* by --no-time$"):
        train(few)
    train(replace(few, table=TableOptions(no_time=True)))
