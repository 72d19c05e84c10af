"""NeuMF: a factorization and a perceptron side by side, and a head that forecasts stars.

Reference: He, Liao, Zhang, Nie, Hu, Chua 2017, "Neural Collaborative Filtering", equations 8, 10
and 12 (GMF, MLP, and their fusion).
Differs: the head answers stars, with squared error (the paper ranks implicit feedback with a
sigmoid and log loss); no pretraining of the towers; vectors deviate from a learned centre, which
stands for an unknown user or movie; some rows are trained with the user unknown. A rating heard
moves its user and its movie by least squares on the net's slope (extended Kalman filter).
RMSE on the chronological split of MovieLens 100K: see docs/results.md.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ratecast.errors import InputError
from ratecast.models.base import Arrays
from ratecast.models.bilinear import Side
from ratecast.models.directions import leading
from ratecast.models.embedding import CentredEmbedding, forget
from ratecast.models.fold_in import FoldInNet, Pairs, Told, beside, restrained
from ratecast.models.net import RatingNet, TrainerSettings
from ratecast.models.ridge import F64, prior_cover
from ratecast.models.rows import Rows
from ratecast.models.search import Range
from ratecast.models.tower import Shared, forecast, hear, narrow


class NeuMFNet(RatingNet):
    """head([GMF(u, i), MLP(u, i)]): each tower has vectors of its own."""

    def __init__(self, model: "NeuMF", users: int, movies: int, mean: float) -> None:
        super().__init__()
        self.unknown_share = model.unknown_share
        self.pulls = model.pull_users, model.pull_movies, model.pull_weights
        self.gmf_users, self.mlp_users = (
            CentredEmbedding(users, model.factors, model.spread) for _ in range(2)
        )
        self.gmf_movies, self.mlp_movies = (
            CentredEmbedding(movies, model.factors, model.spread) for _ in range(2)
        )
        self.mlp = _tower(2 * model.factors, model.layers, model.dropout)
        self.head = nn.Linear(model.factors + model.layers[-1], 1)
        nn.init.normal_(self.head.weight, std=model.spread)
        nn.init.ones_(self.head.weight[:, : model.factors])
        nn.init.constant_(self.head.bias, mean)

    def forward(self, users: Tensor, movies: Tensor) -> Tensor:
        """Stars of each pair: (n,), (n,) -> (n,)."""
        users = forget(users, self.unknown_share) if self.training else users
        gmf = self.gmf_users(users) * self.gmf_movies(movies)
        mlp = self.mlp(torch.cat([self.mlp_users(users), self.mlp_movies(movies)], dim=1))
        stars: Tensor = self.head(torch.cat([gmf, mlp], dim=1)).squeeze(1)
        return stars

    def penalty(self) -> Tensor:
        """Gaussian priors of the deviations and of the weights: ()."""
        users = self.gmf_users.pull() + self.mlp_users.pull()
        movies = self.gmf_movies.pull() + self.mlp_movies.pull()
        layers = [layer.weight for layer in self.mlp if isinstance(layer, nn.Linear)]
        weights = torch.stack([w.square().sum() for w in [*layers, self.head.weight]]).sum()
        by_users, by_movies, by_weights = self.pulls
        return by_users * users + by_movies * movies + by_weights * weights

    def shared(self) -> dict[str, F64]:
        """Layers as (inputs, outputs) with their shifts, and the head, for use without torch."""
        layers = [layer for layer in self.mlp if isinstance(layer, nn.Linear)]
        found = {f"layer{k}": _numbers(layer.weight.T) for k, layer in enumerate(layers)}
        found |= {f"shift{k}": _numbers(layer.bias) for k, layer in enumerate(layers)}
        head = _numbers(self.head.weight[0])
        return found | {"head": head, "head_shift": _numbers(self.head.bias)}


@dataclass(kw_only=True, eq=False)
class NeuMF(FoldInNet):
    """A factorization beside a perceptron.

    layers: widths of the perceptron's layers. dropout: share of a layer's outputs that is dropped
    in training. pull_*: ratio of the noise's variance to the prior's, for the vectors and for the
    weights of the perceptron and head. spread: standard deviation of the first numbers.
    """

    name: ClassVar[str] = "neumf"
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(8, 64, log=True),
        "unknown_share": Range(0.02, 0.9, log=True),
    }
    restraints: ClassVar[tuple[str, ...]] = (
        "unknown_share",
        "dropout",
        "pull_users",
        "pull_movies",
        "pull_weights",
    )
    factors: int = 16
    layers: tuple[int, ...] = (32, 16)
    dropout: float = 0.1
    unknown_share: float = 0.3
    pull_users: float = 10.0
    pull_movies: float = 10.0
    pull_weights: float = 100.0
    spread: float = 0.1
    trainer: TrainerSettings = field(default_factory=lambda: TrainerSettings(learning_rate=0.01))

    net: NeuMFNet = field(init=False, repr=False)
    _shared: dict[str, F64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.layers = tuple(self.layers)
        if not self.layers or min(self.layers) < 1:
            raise InputError(f"model.layers is {list(self.layers)}; give one width or more, from 1")

    def make_net(self, users: int, movies: int, mean: float) -> RatingNet:
        """The net of equation 12."""
        return NeuMFNet(self, users, movies, mean)

    def _settle(self, train: Rows) -> None:
        self._shared = self.net.shared()
        super()._settle(train)

    def _sides_of_net(self, train: Rows) -> tuple[Side, Side]:
        net = self.net
        users = beside(net.gmf_users.vectors(), net.mlp_users.vectors())
        movies = beside(net.gmf_movies.vectors(), net.mlp_movies.vectors())
        self._shared |= {"along_users": leading(users), "along_movies": leading(movies)}
        sides = (
            (users, self._prior(self.pull_users, "along_users", len(users))),
            (movies, self._prior(self.pull_movies, "along_movies", len(movies))),
        )
        narrow((train.users, train.movies), sides, self._kernel())
        return sides

    def _prior(self, pull: float, along: str, rows: int) -> F64:
        pulls = np.full(self._shared[along].shape[1], pull)
        return prior_cover(restrained(pulls), rows)

    def _ask(self, pairs: Pairs) -> tuple[F64, F64]:
        found: tuple[F64, F64] = forecast(pairs, self._sides(), self._kernel())
        return found

    def _tell(self, told: Told, edges: NDArray[np.int64]) -> tuple[F64, F64]:
        found: tuple[F64, F64] = hear(told, edges, self._sides(), self._kernel())
        return found

    def _kernel(self) -> Shared:
        """What every id shares, as the kernels of `tower` take it."""
        count, shared = len(self.layers), self._shared
        return (
            tuple(shared[f"layer{k}"] for k in range(count)),
            tuple(shared[f"shift{k}"] for k in range(count)),
            (shared["head"], shared["head_shift"]),
            (shared["along_users"], shared["along_movies"]),
        )

    def _arrays(self) -> Arrays:
        return super()._arrays() | {f"shared.{name}": x for name, x in self._shared.items()}

    def _restore(self, arrays: Arrays) -> None:
        super()._restore(arrays)
        shared = {k: x for k, x in arrays.items() if k.startswith("shared.")}
        self._shared = {k.removeprefix("shared."): x for k, x in shared.items()}


def _tower(inputs: int, layers: tuple[int, ...], dropout: float) -> nn.Sequential:
    parts: list[nn.Module] = []
    for below, above in pairwise((inputs, *layers)):
        parts += [nn.Linear(below, above), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*parts)


def _numbers(x: Tensor) -> F64:
    return np.ascontiguousarray(x.detach().cpu().double().numpy())
