"""The overfitting test: a correct net can fit one small batch almost exactly."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ratecast.errors import InputError
from ratecast.modelling.nets.net_model import NetModel
from ratecast.splits import Split
from ratecast.training.experiment import Experiment
from ratecast.training.lazy_trainer import tensorboard_logger
from ratecast.training.lightning_trainer import LightningTrainer
from ratecast.training.runs import run_folder
from ratecast.training.train import split_of

ROWS = 12
THRESHOLD = 0.01
STEPS = 300


@dataclass(frozen=True)
class Overfit:
    """The result. loss: mean squared error of the batch in the last step. folder: of its curve."""

    loss: float
    folder: Path

    @property
    def passed(self) -> bool:
        """Whether the loss is below the threshold."""
        return self.loss < THRESHOLD


def overfit(experiment: Experiment, split: Split | None = None, steps: int = STEPS) -> Overfit:
    """Train on one seeded batch of 12 rows, without regularization and id dropout.

    Raises `InputError` for a model without a net.
    """
    rows = (split_of(experiment) if split is None else split).train
    drawn = np.random.default_rng(experiment.seed).permutation(len(rows))[:ROWS]
    batch = rows.take(np.sort(drawn))
    parts = Split("overfit", batch, None, batch)
    named = replace(experiment, experiment=f"overfit_{experiment.experiment}", resume="never")
    model = model_by_epochs(experiment).without_regularization()
    if not model.overfits_batch:
        raise InputError(
            f"model {model.name}: its movie vectors are fixed, so it cannot overfit a batch; "
            "choose mf, mf_bias or neumf"
        )
    model.trainer = replace(model.trainer, epochs=steps, batch_size=ROWS, patience=steps)
    with run_folder(named, parts) as folder:
        trainer = LightningTrainer(tensorboard_logger(folder))
        model.train_net = trainer
        # Validated on itself: no row is held out to choose the number of steps.
        model.fit(batch, batch)
    return Overfit(trainer.figures["train/loss"], folder)


def model_with_net(experiment: Experiment) -> NetModel:
    """The experiment's model. Raises `InputError` if it has no net."""
    model = experiment.make()
    if not isinstance(model, NetModel):
        raise InputError(f"model {model.name}: has no net; choose mf, mf_bias, neumf or attention")
    return model


def model_by_epochs(experiment: Experiment) -> NetModel:
    """As `model_with_net`, with the solver that trains the net by epochs.

    Raises `InputError` if the experiment chooses the kernel solver.
    """
    model = model_with_net(experiment)
    solver = model.settings().get("solver")
    if solver == "kernel":
        raise InputError(f"model {model.name}: solver kernel trains no net; choose lightning")
    return model_with_net(experiment.changed(solver="lightning")) if solver else model
