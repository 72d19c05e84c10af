from pathlib import Path

import pytest

from ratecast.errors import InputError
from ratecast.training import curves_of, make_model, tensorboard_events
from ratecast.training.experiment import Experiment
from ratecast.training.train import train
from tests.training.tables import few


def test_a_curve_read_from_the_events_is_that_of_the_trainer(tmp_path: Path) -> None:
    settings = {"epochs": 3, "batch_size": 64}
    split = few()
    run = train(Experiment.of(make_model("mf", trainer=settings), out=tmp_path), split)
    model = make_model("mf", trainer=settings).fit(split.train, split.valid)
    read, (_, fitted, tested) = tensorboard_events.curve(run.folder), curves_of({"mf": model})["mf"]
    assert read.epochs == [1, 2, 3]
    assert read.train == pytest.approx(fitted, rel=1e-6)
    assert read.valid == pytest.approx(tested, rel=1e-6)


def test_a_curve_that_is_not_there_is_said(tmp_path: Path) -> None:
    run = train(Experiment.of(make_model("mean"), out=tmp_path), few())
    with pytest.raises(InputError, match=r"no curve 'valid/rmse'; curves are .*final/valid_rmse"):
        tensorboard_events.scalars(run.folder, "valid/rmse")
