"""Models whose answer is a neural net: everything but the net itself and its trainer.

The trainer is handed in (`NetModel.train_net`), so that this room needs no training library:
`ratecast.training.make_model` does it, and a loaded model answers without one. Torch is imported
where a net is made: it takes 0.2 GB and seconds, and nothing else here needs it.
"""

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

import numpy as np
from typing_extensions import override

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.settings import check
from ratecast.ratings import Ratings

if TYPE_CHECKING:
    from ratecast.modelling.nets.base import RatingNet
    from ratecast.modelling.nets.examples import Material

Gradients = Literal["auto", "dense", "sparse"]
HELD_BACK = 0.05
_FEWEST = 40


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """How a net is trained: Adam, its rate falling to 0 over `epochs` along a cosine.

    patience: epochs without a better validation RMSE before training stops.
    accelerator: `auto`, `cpu`, `gpu`, or another that the trainer knows.
    gradients: `dense`, of whole embeddings; `sparse`, of the rows of a batch, whose moments stand
    still while nobody asks for them; `auto`: sparse on a CPU, where an embedding has more than
    four times as many rows as a batch.
    threads: CPU threads; the steps of a small net are so short that several wait for each other
    (on a busy machine, ten times as long as they work).
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
class Lesson:
    """What a trainer is asked: to minimise the squared error of `train` plus the net's penalty.

    With `valid`, keep the weights of the epoch of least RMSE there, answers clipped to
    [low, high]. Without, train for `epochs` epochs (the rate still falls over `epochs`).
    stage: a name for this lesson among those of one fit.
    """

    train: "Material"
    valid: "Material | None"
    settings: TrainerSettings
    seed: int
    low: float
    high: float
    epochs: int | None = None
    stage: str = "fit"


class TrainNet(Protocol):
    """Trains `net` in place and answers how many epochs its weights stand for."""

    def __call__(self, net: "RatingNet", lesson: Lesson) -> int:
        """Train."""


@dataclass(kw_only=True, eq=False)
class NetModel(Model):
    """A model with a net; a subclass gives the net.

    factors: numbers in each embedding.
    Without validation ratings, a seeded 5 % of train finds the number of epochs, and a fresh net
    is then trained on all rows for that many.
    """

    factors: int = 32
    trainer: TrainerSettings = field(default_factory=TrainerSettings)

    overfits_batch: ClassVar[bool] = True
    regularizers: ClassVar[tuple[str, ...]] = ()
    train_net: TrainNet | None = field(default=None, init=False, repr=False)
    net: "RatingNet" = field(init=False, repr=False)
    epochs: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.trainer, dict):
            self.trainer = TrainerSettings(**self.trainer)
        super().__post_init__()

    def without_regularization(self) -> Self:
        """The same model, not fitted, without priors and id dropout: free to learn by heart."""
        none: dict[str, Any] = dict.fromkeys(self.regularizers, 0.0)
        free = replace(self, **none)
        free.train_net = self.train_net
        return free

    @abstractmethod
    def _settle(self, train: Rows) -> None:
        """Take from the trained net what answers and hears."""

    @abstractmethod
    def make_net(self, users: int, movies: int, mean: float) -> "RatingNet":
        """A fresh net for so many row numbers, which starts by answering about `mean` stars."""

    def lesson(self, train: Rows, valid: Ratings | None) -> Lesson:
        """What the trainer is asked for these ratings."""
        from ratecast.modelling.nets.examples import Examples

        tested = None if valid is None else Examples.of(self.encode(valid))
        low, high = self.scale.low, self.scale.high
        return Lesson(Examples.of(train), tested, self.trainer, self.seed, low, high)

    def fresh_net(self, train: "Material") -> "RatingNet":
        """The untrained net of this model's seed."""
        from ratecast.modelling.nets.base import drawn_from

        mean = float(train.stars.double().mean())
        with drawn_from(self.seed):
            return self.make_net(len(self.users), len(self.movies), mean)

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        lesson = self.lesson(train, valid)
        if valid is None:
            lesson = replace(lesson, epochs=self._epochs(lesson))
        self.net, self.epochs = self._learn(lesson)
        self._settle(train)

    @override
    def refit_rows(self, train: Rows) -> None:
        lesson = replace(self.lesson(train, None), epochs=self.epochs, stage="refit")
        self.net, _ = self._learn(lesson)
        self._settle(train)

    def _epochs(self, lesson: Lesson) -> int:
        if len(lesson.train) < _FEWEST:
            return self.trainer.epochs
        valid, train = lesson.train.parted(HELD_BACK, self.seed)
        _, epochs = self._learn(replace(lesson, train=train, valid=valid, stage="held_back"))
        return epochs

    def _learn(self, lesson: Lesson) -> "tuple[RatingNet, int]":
        if self.train_net is None:
            raise InputError(
                f"{self.name}: no trainer; make it with ratecast.training.make_model({self.name!r})"
            )
        net = self.fresh_net(lesson.train)
        epochs = self.train_net(net, lesson)
        return net.cpu().eval(), epochs

    @override
    def arrays(self) -> Arrays:
        return {"epochs": np.array([self.epochs])}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self.epochs = int(arrays["epochs"][0])
