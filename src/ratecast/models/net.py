"""Models whose answer is a neural net: everything but the net itself and its trainer.

The trainer is handed in (`NetModel.train_net`), so that this room needs no training library:
`ratecast.training.make_model` does it, and a loaded model answers without one.
"""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch
from torch import Tensor, nn

from ratecast.errors import InputError
from ratecast.models.base import Arrays, Model
from ratecast.models.rows import Expected, Rows
from ratecast.ratings import Ratings

HELD_BACK = 0.05
_FEWEST = 40
_ASKED_AT_ONCE = 65_536


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """How a net is trained: Adam, its rate falling to 0 over `max_epochs` along a cosine.

    patience: epochs without a better validation RMSE before training stops.
    accelerator: `auto`, `cpu`, `gpu`, or another that the trainer knows.
    threads: CPU threads; the steps of a small net are so short that several wait for each other
    (on a busy machine, ten times as long as they work).
    Reference: Kingma, Ba 2015 (Adam); Loshchilov, Hutter 2017, eq. 5, without restarts (cosine).
    """

    max_epochs: int = 20
    batch_size: int = 4096
    learning_rate: float = 0.005
    patience: int = 5
    accelerator: str = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("max_epochs", "batch_size", "patience", "threads"):
            if getattr(self, name) < 1:
                raise InputError(f"trainer.{name} is {getattr(self, name)}; it must be 1 or more")
        if not 0 <= self.learning_rate < np.inf:
            raise InputError(f"trainer.learning_rate is {self.learning_rate}; give 0 or more")


@dataclass(frozen=True)
class Examples:
    """Ratings as tensors. users, movies: (n,) int64 row numbers. stars: (n,) float32."""

    users: Tensor
    movies: Tensor
    stars: Tensor

    def __len__(self) -> int:
        return len(self.stars)

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """The rows of a table of ratings."""
        users, movies = (torch.from_numpy(x.astype(np.int64)) for x in (rows.users, rows.movies))
        return cls(users, movies, torch.from_numpy(rows.stars.astype(np.float32)))

    def take(self, picked: Tensor | slice) -> Self:
        """Only these rows."""
        return type(self)(self.users[picked], self.movies[picked], self.stars[picked])

    def to(self, device: torch.device) -> Self:
        """The same tensors on `device`."""
        return type(self)(*(x.to(device) for x in (self.users, self.movies, self.stars)))


class RatingNet(nn.Module):
    """A net from row numbers to stars.

    `forward(users, movies)`: (n,), (n,) int64 -> (n,) expected stars, unclipped.
    """

    @abstractmethod
    def penalty(self) -> Tensor:
        """Squared error, in stars squared summed over all ratings, that the priors add: ()."""


@dataclass(frozen=True)
class Lesson:
    """What a trainer is asked: to minimise the squared error of `train` plus the net's penalty.

    With `valid`, keep the weights of the epoch of least RMSE there, answers clipped to
    [low, high]. Without, train for `epochs` epochs (the rate still falls over `max_epochs`).
    stage: a name for this lesson among those of one fit.
    """

    train: Examples
    valid: Examples | None
    settings: TrainerSettings
    seed: int
    low: float
    high: float
    epochs: int | None = None
    stage: str = "fit"


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for torch inside; as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class TrainNet(Protocol):
    """Trains `net` in place and answers how many epochs its weights stand for."""

    def __call__(self, net: RatingNet, lesson: Lesson) -> int:
        """Train."""


@dataclass(kw_only=True, eq=False)
class NetModel(Model):
    """A model with a net; a subclass gives the net.

    factors: numbers in each embedding. unknown_share: share of the training rows that the net
    must answer without knowing the user, as it will be asked for new users.
    Without validation ratings, a seeded 5 % of train finds the number of epochs, and a fresh net
    is then trained on all rows for that many.
    """

    factors: int = 32
    unknown_share: float = 0.5
    trainer: TrainerSettings = field(default_factory=TrainerSettings)

    restraints: ClassVar[tuple[str, ...]] = ("unknown_share",)
    train_net: TrainNet | None = field(default=None, init=False, repr=False)
    net: RatingNet = field(init=False, repr=False)
    epochs: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.trainer, dict):
            self.trainer = TrainerSettings(**self.trainer)
        if self.factors < 1:
            raise InputError(f"model.factors is {self.factors}; it must be 1 or more")
        if not 0 <= self.unknown_share < 1:
            raise InputError(f"model.unknown_share is {self.unknown_share}; give 0 to below 1")
        for name in self.restraints:
            if not 0 <= getattr(self, name) < np.inf:
                raise InputError(f"model.{name} is {getattr(self, name)}; give 0 or more")

    def unrestrained(self) -> Self:
        """The same model, not fitted, without priors and id dropout: free to learn by heart."""
        none: dict[str, Any] = dict.fromkeys(self.restraints, 0.0)
        free = replace(self, **none)
        free.train_net = self.train_net
        return free

    def observe(self, ratings: Ratings) -> None:
        """Refused before anything changes: a row number that the net lacks would break it."""
        raise NotImplementedError(f"{self.name} cannot hear ratings without a refit yet")

    @abstractmethod
    def make_net(self, users: int, movies: int, mean: float) -> RatingNet:
        """A fresh net for so many row numbers, which starts by answering about `mean` stars."""

    def lesson(self, train: Rows, valid: Ratings | None) -> Lesson:
        """What the trainer is asked for these ratings."""
        tested = None if valid is None else Examples.of(self._rows(valid))
        low, high = self.scale.low, self.scale.high
        return Lesson(Examples.of(train), tested, self.trainer, self.seed, low, high)

    def fresh_net(self, train: Examples) -> RatingNet:
        """The untrained net of this model's seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            mean = float(train.stars.mean(dtype=torch.float64))
            return self.make_net(len(self.users), len(self.movies), mean)

    def _fit(self, train: Rows, valid: Ratings | None) -> None:
        lesson = self.lesson(train, valid)
        if valid is None:
            lesson = replace(lesson, epochs=self._epochs(lesson))
        self.net, self.epochs = self._learn(lesson)

    def _refit(self, train: Rows) -> None:
        lesson = replace(self.lesson(train, None), epochs=self.epochs, stage="refit")
        self.net, _ = self._learn(lesson)

    def _epochs(self, lesson: Lesson) -> int:
        count = len(lesson.train)
        if count < _FEWEST:
            return self.trainer.max_epochs
        order = torch.from_numpy(np.random.default_rng(self.seed).permutation(count))
        held, kept = order.tensor_split([int(count * HELD_BACK)])
        train, valid = lesson.train.take(kept), lesson.train.take(held)
        _, epochs = self._learn(replace(lesson, train=train, valid=valid, stage="held_back"))
        return epochs

    def _learn(self, lesson: Lesson) -> tuple[RatingNet, int]:
        if self.train_net is None:
            raise InputError(
                f"{self.name}: no trainer; make it with ratecast.training.make_model({self.name!r})"
            )
        net = self.fresh_net(lesson.train)
        epochs = self.train_net(net, lesson)
        return net.cpu().eval(), epochs

    @torch.no_grad()
    def _expect(self, rows: Rows) -> Expected:
        users, movies = (torch.from_numpy(x.astype(np.int64)) for x in (rows.users, rows.movies))
        spans = [slice(i, i + _ASKED_AT_ONCE) for i in range(0, len(rows), _ASKED_AT_ONCE)]
        with threads(self.trainer.threads):
            stars = [self.net(users[s], movies[s]).numpy().astype(np.float64) for s in spans]
        return Expected(np.concatenate(stars) if stars else np.empty(0))

    def _arrays(self) -> Arrays:
        weights = {f"net.{name}": x.numpy() for name, x in self.net.state_dict().items()}
        return weights | {"epochs": np.array(self.epochs)}

    def _restore(self, arrays: Arrays) -> None:
        self.epochs = int(arrays.pop("epochs").item())
        weights = {k.removeprefix("net."): torch.from_numpy(x.copy()) for k, x in arrays.items()}
        self.net = self.make_net(len(self.users), len(self.movies), 0.0)
        self.net.load_state_dict(weights)
        self.net.eval()
