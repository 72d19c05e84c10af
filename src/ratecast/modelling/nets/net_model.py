"""Models with a neural net: everything but the net itself and its trainer.

The trainer is passed in (`NetModel.train_net`), so models do not depend on a training library:
`ratecast.training.make_model` sets it, and a loaded model predicts without one. Torch is imported
only where a net is made: importing it takes seconds and 0.2 GB.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

import numpy as np
from typing_extensions import override

from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.settings import check
from ratecast.ratings import Ratings, Scale

if TYPE_CHECKING:
    from ratecast.modelling.nets.base import RatingNet, TrainingData

Gradients = Literal["auto", "dense", "sparse"]
OnEpoch = Callable[[int, float], None]
# Named, not imported: this room knows no training library, and a loaded model needs none.
TRAINER = "ratecast.training.lazy_trainer:LazyTrainer"
HOLDOUT_SHARE = 0.05
HOLDOUT_ROWS = 2
# A net of fewer ratings is trained for all epochs: too little would be left to learn from.
MIN_ROWS = 5


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """Training of a net: Adam, with a learning rate that falls to 0 over `epochs` along a cosine.

    epochs: passes over train, at most. batch_size: ratings per step.
    learning_rate: step size of Adam in the first epoch.
    patience: epochs without a better validation RMSE before training stops.
    accelerator: `auto`, `cpu`, `gpu`, or another that the trainer knows.
    threads: CPU threads. The steps of a small net are so short that several threads wait for each
    other (on a busy machine, ten times as long as they work).
    gradients: `dense`, of whole embeddings; `sparse`, of the rows of a batch, where the moments of
    the other rows stay as they are; `auto`: sparse on a CPU, where an embedding has more than four
    times as many rows as a batch.

    Reference: Kingma, Ba 2015 (Adam); Loshchilov, Hutter 2017, eq. 5, without restarts (cosine).
    """

    epochs: int = 20
    batch_size: int = 4096
    learning_rate: float = 0.005
    patience: int = 5
    accelerator: str = "auto"
    threads: int = 1
    gradients: Gradients = "auto"

    def __post_init__(self) -> None:
        check(self, "trainer", {})


@dataclass(frozen=True)
class TrainingTask:
    """What a trainer does: minimise the squared error on `train` plus the net's penalty.

    train, valid: with `valid`, the weights of the epoch with the least RMSE there are kept, where
    predictions are clipped to [low, high]; without it, training runs for `epochs` epochs.
    low, high: ends of the scale, in units of the net's stars. unit: of these, in stars: a net
    learns in quarters of a continuous scale, since its settings are chosen for stars of 1 to 5.
    settings: of the trainer; the learning rate falls over `settings.epochs` in either case.
    seed: of the order of the batches and of dropout.
    stage: name of this task among those of one fit, which names its folder of checkpoints.
    on_epoch: called with the number of epochs so far and the RMSE on `valid`, in stars; what it
    raises ends the training.
    """

    train: "TrainingData"
    valid: "TrainingData | None"
    settings: TrainerSettings
    seed: int
    low: float
    high: float
    unit: float = 1.0
    epochs: int | None = None
    stage: str = "fit"
    on_epoch: OnEpoch | None = None

    @classmethod
    def on(
        cls,
        scale: Scale,
        parts: "tuple[TrainingData, TrainingData | None]",
        settings: TrainerSettings,
        seed: int,
    ) -> Self:
        """The task of ratings on a scale. parts: train and valid, in units of the scale."""
        low, high = scale.low / scale.unit, scale.high / scale.unit
        return cls(*parts, settings, seed, low, high, scale.unit)


class TrainNet(Protocol):
    """Trains `net` in place and returns after how many epochs its weights were taken."""

    def __call__(self, net: "RatingNet", task: TrainingTask) -> int:
        """Train."""


@dataclass(kw_only=True, eq=False)
class NetModel(Model):
    """A model whose parameters are those of a net; a subclass makes the net.

    factors: length of each embedding. trainer: how the net is trained.
    Without validation ratings, a seeded 5 % of train, at least two ratings, chooses the number of
    epochs, and a new net is then trained on all rows for that many. on_epoch: called in a fit with
    validation ratings, as of `TrainingTask`; it is no setting.
    """

    factors: int = 32
    trainer: TrainerSettings = field(default_factory=TrainerSettings)

    extra: ClassVar[str | None] = "nets"
    overfits_batch: ClassVar[bool] = True
    regularizers: ClassVar[tuple[str, ...]] = ()
    train_net: TrainNet | None = field(default=None, init=False, repr=False)
    net: "RatingNet" = field(init=False, repr=False)
    epochs: int = field(default=0, init=False, repr=False)
    stage: str = field(default="fit", init=False, repr=False)
    on_epoch: OnEpoch | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.trainer, dict):
            self.trainer = TrainerSettings(**self.trainer)
        super().__post_init__()

    @override
    def unfitted(self) -> Self:
        model = super().unfitted()
        model.train_net, model.stage = self.train_net, "calibration"
        return model

    def without_regularization(self) -> Self:
        """The same model, not fitted, with all `regularizers` at 0: it can overfit."""
        none: dict[str, Any] = dict.fromkeys(self.regularizers, 0.0)
        free = replace(self, **none)
        free.train_net = self.train_net
        return free

    @abstractmethod
    def make_net(self, users: int, movies: int, mean: float) -> "RatingNet":
        """A new net for so many row numbers, which predicts about `mean` at first.

        It learns stars in units of the scale, see `Scale.unit`.
        """

    @abstractmethod
    def extract_parameters(self, train: Rows) -> None:
        """Copy from the trained net what `predict_rows` and `walk_rows` use."""

    def training_task(self, train: Rows, valid: Ratings | None) -> TrainingTask:
        """The trainer's task for these ratings."""
        from ratecast.modelling.nets.base import Examples

        unit = self.scale.unit
        validation = None if valid is None else Examples.of(self.encode(valid), unit)
        parts = Examples.of(train, unit), validation
        return TrainingTask.on(self.scale, parts, self.trainer, self.seed)

    def new_net(self, train: "TrainingData") -> "RatingNet":
        """The untrained net of this model's seed."""
        from ratecast.modelling.nets.base import seeded

        mean = float(train.stars.double().mean())
        with seeded(self.seed):
            net = self.make_net(len(self.users), len(self.movies), mean)
        # The initial vectors are meant for ratings that differ by a star or so. Where they differ
        # less, and most of all where all are equal, training would end before it had undone them.
        net.scale_embeddings(min(1.0, 2 * float(train.stars.double().std(correction=0))))
        return net

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        task = replace(self.training_task(train, valid), stage=self.stage)
        if valid is None:
            task = replace(task, epochs=self._best_epochs(task))
        else:
            task = replace(task, on_epoch=self.on_epoch)
        self.net, self.epochs = self._train(task)
        self.extract_parameters(train)

    @override
    def refit_rows(self, train: Rows) -> None:
        task = replace(self.training_task(train, None), epochs=self.epochs, stage="refit")
        self.net, _ = self._train(task)
        self.extract_parameters(train)

    def _best_epochs(self, task: TrainingTask) -> int:
        """Number of epochs with the least RMSE on a held-out share of train."""
        if len(task.train) < MIN_ROWS:
            return self.trainer.epochs
        # Half a row more, so that rounding takes none away.
        share = max(HOLDOUT_SHARE, (HOLDOUT_ROWS + 0.5) / len(task.train))
        valid, train = task.train.split(share, self.seed)
        _, epochs = self._train(replace(task, train=train, valid=valid, stage="held_out"))
        return epochs

    def _train(self, task: TrainingTask) -> "tuple[RatingNet, int]":
        if self.train_net is None:
            self.train_net = _default_trainer()
        net = self.new_net(task.train)
        epochs = self.train_net(net, task)
        return net.cpu().eval(), epochs

    @override
    def arrays(self) -> Arrays:
        return {"epochs": np.array([self.epochs])}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self.epochs = int(arrays["epochs"][0])


def _default_trainer() -> TrainNet:
    module, _, name = TRAINER.partition(":")
    trainer: TrainNet = getattr(import_module(module), name)()
    return trainer
