"""What every net is, and what it needs of torch."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ratecast.arrays import F64
from ratecast.modelling.nets.embedding import CentredEmbedding
from ratecast.modelling.nets.examples import Examples


class NetSize(NamedTuple):
    """How large a net is: rows of users and of movies, the unknown's included, and factors."""

    users: int
    movies: int
    factors: int


class RatingNet(nn.Module):
    """A net from row numbers to stars.

    `forward(users, movies)`: (n,), (n,) int64 -> (n,) expected stars, unclipped. A net that asks
    for more than row numbers takes what its `Material` gives.
    """

    @abstractmethod
    def penalty(self) -> Tensor:
        """Squared error, in stars squared summed over all ratings, that the priors add: ()."""

    def thin_out(self, train: Examples) -> None:
        """Let the gradient of a batch hold the rows of that batch alone, in every embedding.

        The embeddings of users and movies are told apart by their names.
        """
        for name, part in self.named_modules():
            if isinstance(part, CentredEmbedding):
                ids = train.users if "user" in name else train.movies
                part.thin_out(torch.bincount(ids, minlength=part.own.num_embeddings))


@contextmanager
def drawn_from(seed: int) -> Iterator[None]:
    """Draw from `seed` inside; outside, draws go on as if nothing had been."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for torch inside; as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def numbers(x: Tensor) -> F64:
    """Weights for use without torch."""
    return np.ascontiguousarray(x.detach().cpu().double().numpy())


@contextmanager
def tiny_as_zero() -> Iterator[None]:
    """Take numbers nearer to 0 than 1e-38 for 0 inside, on the CPU, in the thread that asks.

    Moments of units that died fade into such numbers, over which a processor takes a hundred times
    as long: an epoch of NeuMF over ten million ratings lost two fifths of its time to them.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
