"""The learning-rate range test: the curve, and a suggestion."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.modelling.nets.base import RatingNet
from ratecast.modelling.nets.net_model import TrainingTask
from ratecast.plots.picture import Picture
from ratecast.plots.training import rates
from ratecast.splits import Split
from ratecast.training.datamodule import TaskData
from ratecast.training.experiment import Experiment
from ratecast.training.lazy_trainer import tensorboard_logger
from ratecast.training.lightning_trainer import make_trainer, quiet, reproducible
from ratecast.training.lr_range import LearningRateRange, smoothed, steepest_descent
from ratecast.training.module import NetModule
from ratecast.training.overfit import model_by_epochs
from ratecast.training.runs import run_folder
from ratecast.training.train import split_of

STEPS = 200
PICTURE = "lr_find.png"
_VALID_ROWS = 1000


@dataclass(frozen=True)
class LearningRateCurve:
    """The result of a range test.

    rates, losses: (s,), learning rate and training loss of each step. suggestion: the rate where
    the smoothed loss decreases fastest. folder: of the curve in TensorBoard.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    suggestion: float
    folder: Path

    @property
    def picture(self) -> Path:
        """The curve as a PNG file."""
        return self.folder / PICTURE

    def drawn(self, model: str) -> Picture:
        """A plot of the curve."""
        return rates(self.rates, self.losses, smoothed(self.losses), self.suggestion, model)


def lr_find(
    experiment: Experiment, split: Split | None = None, steps: int = STEPS
) -> LearningRateCurve:
    """Raise the learning rate from 1e-5 to 1 over `steps` steps; the net is discarded.

    Reference: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3.
    Differs: the rate rises exponentially, and the suggestion is where the loss decreases fastest.
    Raises `InputError` if the model trains no net, or if the loss never decreases.
    """
    parts = split_of(experiment) if split is None else split
    named = replace(experiment, experiment=f"lr_find_{experiment.experiment}", resume="never")
    search = RangeTest(steps)
    model = model_by_epochs(experiment)
    model.train_net = search
    model.fit(parts.train, parts.train.take(slice(0, _VALID_ROWS)))
    suggestion = steepest_descent(search.rates, search.losses)
    if suggestion is None:
        raise InputError(f"lr-find: the loss of {model.name} never decreases; give more ratings")
    with run_folder(named, parts) as folder:
        curve = LearningRateCurve(search.rates, search.losses, suggestion, folder)
        _record(curve, experiment.name)
    return curve


class RangeTest:
    """A `TrainNet` that runs the range test only."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self.rates = self.losses = np.empty(0)

    def __call__(self, net: RatingNet, task: TrainingTask) -> int:
        """Record the curve, and restore the net's initial weights."""
        rising = LearningRateRange(self._steps)
        initial = {name: x.clone() for name, x in net.state_dict().items()}
        options = {"logger": False, "enable_checkpointing": False, "limit_val_batches": 0}
        with reproducible(task), quiet():
            trainer = make_trainer(task, max_steps=self._steps, callbacks=[rising], **options)
            trainer.fit(NetModule(net, task), datamodule=TaskData(task))
        net.load_state_dict(initial)
        self.rates, self.losses = np.array(rising.rates), np.array(rising.losses)
        return 0


def _record(curve: LearningRateCurve, model: str) -> None:
    drawn = curve.drawn(model)
    drawn.save(curve.picture)
    logger = tensorboard_logger(curve.folder)
    logger.experiment.add_figure("lr_find/curve", drawn.figure)
    smooth = smoothed(curve.losses)
    for step, (rate, loss) in enumerate(zip(curve.rates, smooth, strict=True)):
        logger.log_metrics({"lr_find/rate": float(rate), "lr_find/loss": float(loss)}, step)
    logger.log_metrics({"lr_find/suggestion": curve.suggestion}, 0)
    logger.finalize("success")
