"""What a net learns from: ratings as tensors, in batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

from ratecast.modelling.contract.rows import Rows

Batch = tuple[Tensor, ...]


class Material(Protocol):
    """Ratings to learn from, or to be tested on, as tensors that come in batches.

    A batch is what the net's `forward` takes, and then the stars that it should answer: (b,).
    """

    @property
    def stars(self) -> Tensor:
        """All the stars that are asked about, or more: (n,)."""

    def __len__(self) -> int:
        """How many ratings are asked about."""

    def steps(self, size: int) -> int:
        """How many batches of about `size` ratings there are."""

    def batches(self, size: int, order: torch.Generator | None) -> Iterator[Batch]:
        """All of them, as they stand or in an order that is drawn."""

    def parted(self, share: float, seed: int) -> tuple[Self, Self]:
        """A drawn `share` of the ratings, and the others."""

    def to(self, device: torch.device) -> Self:
        """The same tensors on `device`."""


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

    def steps(self, size: int) -> int:
        """How many batches of `size` rows there are; the last may be smaller."""
        return -(-len(self) // size)

    def batches(self, size: int, order: torch.Generator | None) -> Iterator[Batch]:
        """(users (b,), movies (b,), stars (b,)) until every row was given."""
        rows = self
        if order is not None:
            rows = self.take(torch.randperm(len(self), generator=order).to(self.stars.device))
        for start in range(0, len(rows), size):
            part = rows.take(slice(start, start + size))
            yield part.users, part.movies, part.stars

    def parted(self, share: float, seed: int) -> tuple[Self, Self]:
        """A drawn `share` of the rows, and the others."""
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self)))
        few, most = order.tensor_split([int(len(self) * share)])
        return self.take(few), self.take(most)

    def take(self, picked: Tensor | slice) -> Self:
        """Only these rows."""
        return type(self)(self.users[picked], self.movies[picked], self.stars[picked])

    def to(self, device: torch.device) -> Self:
        """The same tensors on `device`."""
        return type(self)(*(x.to(device) for x in (self.users, self.movies, self.stars)))
