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
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ratecast.models.base import Arrays
from ratecast.models.bilinear import Side
from ratecast.models.directions import leading
from ratecast.models.fold_in import FoldInNet, Pairs, Told, beside, restrained
from ratecast.models.limits import SHARE, Limits
from ratecast.models.net import TrainerSettings
from ratecast.models.ridge import F64, prior_cover
from ratecast.models.rows import Rows
from ratecast.models.search import Range
from ratecast.models.tower import Shared, forecast, hear, narrow

if TYPE_CHECKING:
    from ratecast.models.nets.neumf import NeuMFNet


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
    limits: ClassVar[Limits] = {"unknown_share": SHARE, "dropout": SHARE}
    factors: int = 16
    layers: tuple[int, ...] = (32, 16)
    dropout: float = 0.1
    unknown_share: float = 0.3
    pull_users: float = 10.0
    pull_movies: float = 10.0
    pull_weights: float = 100.0
    spread: float = 0.1
    trainer: TrainerSettings = field(default_factory=lambda: TrainerSettings(learning_rate=0.01))

    net: "NeuMFNet" = field(init=False, repr=False)
    _shared: dict[str, F64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.layers = tuple(self.layers)

    def make_net(self, users: int, movies: int, mean: float) -> "NeuMFNet":
        """The net of equation 12."""
        from ratecast.models.nets.neumf import NeuMFNet

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
