"""The three experiments: overfit, lr-find, sweep."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ratecast.errors import InputError
from ratecast.training import make_model
from ratecast.training.experiment import Experiment
from ratecast.training.lr_find import lr_find
from ratecast.training.lr_range import smoothed, steepest_descent
from ratecast.training.overfit import overfit
from ratecast.training.sweep import sweep
from tests.training.tables import few

NETS = ("mf", "mf_bias", "neumf")
PNG = b"\x89PNG"


def experiment(out: Path, name: str, **trainer: Any) -> Experiment:
    settings: dict[str, Any] = {} if name == "mean" else {"trainer": trainer}
    return Experiment.of(make_model(name, **settings), out=out)


@pytest.mark.parametrize("name", NETS)
def test_each_net_learns_one_batch_by_heart(name: str, tmp_path: Path) -> None:
    found = overfit(experiment(tmp_path, name), few())
    assert found.passed
    assert found.loss < 0.01
    assert found.folder == tmp_path / f"overfit_{name}" / "version_0"
    assert "train/loss" in EventAccumulator(str(found.folder)).Reload().Tags()["scalars"]


def test_a_net_that_does_not_learn_does_not_pass(tmp_path: Path) -> None:
    found = overfit(experiment(tmp_path, "mf", learning_rate=0.0), few(), steps=20)
    assert not found.passed
    assert found.loss > 0.1


def test_lr_find_suggests_a_rate_and_draws_it(tmp_path: Path) -> None:
    curve = lr_find(experiment(tmp_path, "mf", batch_size=64), few(), steps=120)
    assert 1e-4 < curve.suggestion < 0.5
    assert curve.rates[0] == pytest.approx(1e-5)
    assert (np.diff(curve.rates) > 0).all()
    assert curve.picture.read_bytes().startswith(PNG)
    tags = EventAccumulator(str(curve.folder)).Reload().Tags()
    assert {"lr_find/loss", "lr_find/rate", "lr_find/suggestion"} <= set(tags["scalars"])
    assert "lr_find/curve" in tags["images"]


def test_the_steepest_fall_of_a_known_curve() -> None:
    rates = np.geomspace(1e-5, 1, 200)
    losses = 1 / (1 + np.exp(4 * (np.log10(rates) + 2)))
    assert np.log10(steepest_descent(rates, losses) or 1) == pytest.approx(-2, abs=0.05)
    assert steepest_descent(rates, rates) is None
    assert smoothed(np.full(7, 2.0)) == pytest.approx(2.0)


def test_sweep_gives_one_comparable_run_for_each_size(tmp_path: Path) -> None:
    told: list[int] = []
    task = experiment(tmp_path, "mf_bias", epochs=1)
    rows = sweep(task, (2, 4), few(), lambda row: told.append(row.factors))
    assert told == [row.factors for row in rows] == [2, 4]
    assert rows[1].parameters > rows[0].parameters
    for number, row in enumerate(rows):
        assert row.run.folder == tmp_path / "sweep_mf_bias" / f"version_{number}"
        assert f"factors: {row.factors}" in (row.run.folder / "hparams.yaml").read_text()


@pytest.mark.parametrize("verb", [overfit, lr_find, sweep])
def test_a_model_without_a_net_is_refused(verb: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no net"):
        verb(experiment(tmp_path, "mean"), split=few())


def kernel(out: Path) -> Experiment:
    return Experiment.of(make_model("mf_bias", solver="kernel"), out=out)


@pytest.mark.parametrize("verb", [overfit, lr_find])
def test_a_kernel_is_refused_where_a_net_is_looked_at(verb: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="solver kernel trains no net; choose lightning"):
        verb(kernel(tmp_path), split=few())
    assert not list(tmp_path.iterdir())


def test_a_net_is_looked_at_where_a_kernel_would_be_quicker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ratecast.modelling.kernels.solver_choice.MANY", 1)
    assert overfit(experiment(tmp_path, "mf_bias"), few(), steps=3).loss > 0


def test_a_sweep_by_a_kernel_counts_no_parameters(tmp_path: Path) -> None:
    row = sweep(kernel(tmp_path), (2,), few())[0]
    assert row.run.figures["valid/rmse"] > 0
    assert row.cells()[1] == ""
