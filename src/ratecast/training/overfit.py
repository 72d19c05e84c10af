"""Can the net learn one batch by heart? A net that cannot has a fault."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ratecast.errors import InputError
from ratecast.modelling.nets.net_model import NetModel, TrainerSettings
from ratecast.splits import Split
from ratecast.training.experiment import Experiment
from ratecast.training.lazy_trainer import tensorboard_logger
from ratecast.training.lightning_trainer import LightningTrainer
from ratecast.training.runs import run_folder
from ratecast.training.train import split_of

ROWS = 12
ENOUGH = 0.01
STEPS = 300


@dataclass(frozen=True)
class Overfit:
    """loss: mean squared error of the batch in the last step. folder: its curve."""

    loss: float
    folder: Path

    @property
    def passed(self) -> bool:
        """Whether the batch was learned."""
        return self.loss < ENOUGH


def overfit(experiment: Experiment, split: Split | None = None, steps: int = STEPS) -> Overfit:
    """Train on one batch of 12 seeded rows, without priors and id dropout.

    The learning rate is the experiment's. Raises `InputError` for a model without a net.
    """
    rows = (split_of(experiment) if split is None else split).train
    picked = np.random.default_rng(experiment.seed).permutation(len(rows))[:ROWS]
    batch = rows.take(np.sort(picked))
    parts = Split("overfit", batch, None, batch)
    named = replace(experiment, experiment=f"overfit_{experiment.experiment}", resume="never")
    model = model_by_epochs(experiment).without_regularization()
    if not model.overfits_batch:
        raise InputError(
            f"model {model.name}: its movie vectors are fixed, so that it cannot learn a batch by "
            "heart; choose mf, mf_bias or neumf"
        )
    model.trainer = _by_heart(model.trainer, steps)
    with run_folder(named, parts) as folder:
        trainer = LightningTrainer(tensorboard_logger(folder))
        model.train_net = trainer
        model.fit(batch)
    return Overfit(trainer.figures["train/loss"], folder)


def model_with_net(experiment: Experiment) -> NetModel:
    """The experiment's model, refused where it has no net."""
    model = experiment.make()
    if not isinstance(model, NetModel):
        raise InputError(f"model {model.name}: has no net; choose mf, mf_bias, neumf or attention")
    return model


def model_by_epochs(experiment: Experiment) -> NetModel:
    """As `net_model`, of a net that learns by epochs also where a kernel would be quicker.

    Raises `InputError` where a kernel was asked for.
    """
    model = model_with_net(experiment)
    solver = model.settings().get("solver")
    if solver == "kernel":
        raise InputError(f"model {model.name}: solver kernel trains no net; choose lightning")
    return model_with_net(experiment.changed(solver="lightning")) if solver else model


def _by_heart(settings: TrainerSettings, steps: int) -> TrainerSettings:
    return replace(settings, epochs=steps, batch_size=ROWS)
