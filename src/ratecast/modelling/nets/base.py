"""Nets in torch: the base class, embeddings of ids, and training data as tensors."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

import numpy as np
import torch
from torch import Tensor, nn

from ratecast.arrays import F64
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.vocabulary import UNKNOWN

Batch = tuple[Tensor, ...]


class TrainingData(Protocol):
    """Ratings to train or validate on, as tensors that come in batches.

    A batch holds the arguments of the net's `forward`, followed by the target stars, (b,).
    """

    @property
    def stars(self) -> Tensor:
        """Stars of the data, rows that are not targets included: (n,)."""

    def __len__(self) -> int:
        """Number of target ratings."""

    def steps(self, size: int) -> int:
        """Number of batches of about `size` ratings."""

    def batches(self, size: int, order: torch.Generator | None) -> Iterator[Batch]:
        """All batches, in the order of the data or in an order drawn from `order`."""

    @staticmethod
    def part(batch: Batch, number: int, count: int) -> Batch:
        """One of `count` parts of a batch, each a batch; it may have no rows. number: from 0."""

    def split(self, share: float, seed: int) -> tuple[Self, Self]:
        """A random `share` of the ratings, and the rest."""

    def to(self, device: torch.device) -> Self:
        """The same tensors on `device`."""


@dataclass(frozen=True)
class Examples:
    """Training data of a net that takes (user, movie) pairs.

    users, movies: (n,) int64 row numbers. stars: (n,) float32, in units of the scale.
    """

    users: Tensor
    movies: Tensor
    stars: Tensor

    def __len__(self) -> int:
        return len(self.stars)

    @classmethod
    def of(cls, rows: Rows, unit: float = 1.0) -> Self:
        """The rows of a table of ratings. unit: of the net's stars, see `Scale.unit`."""
        users, movies = (torch.from_numpy(x.astype(np.int64)) for x in (rows.users, rows.movies))
        return cls(users, movies, torch.from_numpy(rows.stars.astype(np.float32) / unit))

    def steps(self, size: int) -> int:
        """Number of batches of `size` rows; the last may be smaller."""
        return -(-len(self) // size)

    def batches(self, size: int, order: torch.Generator | None) -> Iterator[Batch]:
        """(users (b,), movies (b,), stars (b,)) for all rows."""
        rows = self
        if order is not None:
            rows = self.take(torch.randperm(len(self), generator=order).to(self.stars.device))
        for start in range(0, len(rows), size):
            part = rows.take(slice(start, start + size))
            yield part.users, part.movies, part.stars

    @staticmethod
    def part(batch: Batch, number: int, count: int) -> Batch:
        """Every `count`-th row."""
        return tuple(rows[number::count] for rows in batch)

    def split(self, share: float, seed: int) -> tuple[Self, Self]:
        """A random `share` of the rows, and the rest."""
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self)))
        few, most = order.tensor_split([int(len(self) * share)])
        return self.take(few), self.take(most)

    def take(self, picked: Tensor | slice) -> Self:
        """Only these rows."""
        return type(self)(self.users[picked], self.movies[picked], self.stars[picked])

    def to(self, device: torch.device) -> Self:
        """The same tensors on `device`."""
        return type(self)(*(x.to(device) for x in (self.users, self.movies, self.stars)))


class CentredEmbedding(nn.Module):
    """One vector per row number: vector = centre + deviation of the row.

    ids: (n,) row numbers below `rows` -> (n, width). Row 0, the unknown id, has no deviation: its
    vector is the centre. The centre is the mean of the Gaussian prior whose L2 penalty is
    `squared_norm`, so an id with few ratings stays close to the vector of an unknown one.

    rows: number of row numbers, the unknown's included. width: length of a vector. init_std:
    standard deviation of the initial numbers.
    """

    weights: Tensor
    _batch_norm: Tensor | None = None

    def __init__(self, rows: int, width: int, init_std: float = 0.0) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.randn(width) * init_std)
        self.own = nn.Embedding(rows, width, padding_idx=UNKNOWN)
        nn.init.normal_(self.own.weight, std=init_std)
        with torch.no_grad():
            self.own.weight[UNKNOWN] = 0

    def use_sparse_gradients(self, counts: Tensor) -> None:
        """From now on, the gradient of a batch holds the rows of that batch only.

        counts: (rows,) ratings of each row in train. `squared_norm` is then estimated from the
        batch: a row with n ratings comes n times an epoch, each time with weight 1 / n. An id that
        `drop_ids` removes from a batch is not in its estimate.
        """
        self.own.sparse = True
        weights = counts.sum() / counts.clamp(min=1).float()
        weights[UNKNOWN] = 0
        self.register_buffer("weights", weights.to(self.own.weight.device), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors of `ids`: (n,) -> (n, width)."""
        own = self.own(ids)
        if self.own.sparse and self.training:
            self._batch_norm = (own.square().sum(1) * self.weights[ids]).mean()
        vectors: Tensor = self.centre + own
        return vectors

    def vectors(self) -> F64:
        """All vectors, for use without torch: (rows, width)."""
        with torch.no_grad():
            vectors: F64 = (self.centre.double() + self.own.weight.double()).cpu().numpy()
        return vectors

    def squared_norm(self) -> Tensor:
        """Sum of the squared deviations, to be multiplied by the l2 setting: ()."""
        if not self.own.sparse:
            return self.own.weight.square().sum()
        norm, self._batch_norm = self._batch_norm, None
        assert norm is not None, "forward comes before squared_norm"
        return norm


class NetSize(NamedTuple):
    """Size of a net: row numbers of users and of movies, the unknown's included, and factors."""

    users: int
    movies: int
    factors: int


class RatingNet(nn.Module):
    """A net from row numbers to stars.

    `forward(users, movies)`: (n,), (n,) int64 -> (n,) expected stars, not clipped. A net with
    other inputs takes the batches of its own `TrainingData`.
    """

    @abstractmethod
    def penalty(self) -> Tensor:
        """L2 penalty of the priors, in the unit of the summed squared error of all ratings: ()."""

    @torch.no_grad()
    def scale_embeddings(self, factor: float) -> None:
        """Multiply the vectors of all users and movies, centres included, by `factor`."""
        for part in self.modules():
            if isinstance(part, CentredEmbedding):
                part.centre.mul_(factor)
                part.own.weight.mul_(factor)

    def use_sparse_gradients(self, train: Examples) -> None:
        """The gradient of a batch holds the rows of that batch only, in every embedding.

        An embedding of users has "user" in its name; all others are of movies.
        """
        for name, part in self.named_modules():
            if isinstance(part, CentredEmbedding):
                ids = train.users if "user" in name else train.movies
                part.use_sparse_gradients(torch.bincount(ids, minlength=part.own.num_embeddings))


def drop_ids(ids: Tensor, share: float) -> Tensor:
    """Replace a random `share` (0 to 1) of `ids` (n,) by the unknown row.

    Reference: Volkovs, Yu, Poutanen 2017, "DropoutNet: Addressing Cold Start in Recommender
    Systems", which drops the whole preference vector of a user or item in training.
    """
    if share <= 0:
        return ids
    return ids.masked_fill(torch.rand(ids.shape, device=ids.device) < share, UNKNOWN)


def to_numpy(x: Tensor) -> F64:
    """A tensor in double precision, for use without torch."""
    return np.ascontiguousarray(x.detach().cpu().double().numpy())


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch draws from `seed` inside; the global generator is the same afterwards as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Torch uses `count` CPU threads inside, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Numbers closer to 0 than 1e-38 become 0 inside, on the CPU, in the calling thread.

    Adam's moments of inactive units decay into such numbers, on which a processor is a hundred
    times slower: an epoch of NeuMF over ten million ratings lost two fifths of its time to them.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
