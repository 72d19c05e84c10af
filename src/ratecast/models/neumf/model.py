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
from typing_extensions import override

from ratecast.arrays import F64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.settings import SHARE, Limits, Range
from ratecast.modelling.factors.bilinear import Side
from ratecast.modelling.factors.fold_in import FoldInNet, Pairs, Told, beside, restrained
from ratecast.modelling.factors.leading_directions import leading
from ratecast.modelling.factors.recursive_least_squares import prior_cover
from ratecast.modelling.nets.net_model import TrainerSettings
from ratecast.models.neumf.extended_kalman import Shared, forecast, hear, narrow

if TYPE_CHECKING:
    from ratecast.models.neumf.net import NeuMFNet


@dataclass(kw_only=True, eq=False)
class NeuMF(FoldInNet):
    """A factorization beside a perceptron.

    layers: widths of the perceptron's layers. dropout: share of a layer's outputs that is dropped
    in training. pull_*: ratio of the noise's variance to the prior's, for the vectors and for the
    weights of the perceptron and head. init_std: standard deviation of the first numbers.
    """

    name: ClassVar[str] = "neumf"
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(8, 64, log=True),
        "id_dropout": Range(0.02, 0.9, log=True),
    }
    regularizers: ClassVar[tuple[str, ...]] = (
        "id_dropout",
        "dropout",
        "l2_users",
        "l2_movies",
        "l2_weights",
    )
    limits: ClassVar[Limits] = {"id_dropout": SHARE, "dropout": SHARE}
    factors: int = 16
    layers: tuple[int, ...] = (32, 16)
    dropout: float = 0.1
    id_dropout: float = 0.3
    l2_users: float = 10.0
    l2_movies: float = 10.0
    l2_weights: float = 100.0
    init_std: float = 0.1
    trainer: TrainerSettings = field(default_factory=lambda: TrainerSettings(learning_rate=0.01))

    net: "NeuMFNet" = field(init=False, repr=False)
    _shared: dict[str, F64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.layers = tuple(self.layers)

    def make_net(self, users: int, movies: int, mean: float) -> "NeuMFNet":
        """The net of equation 12."""
        from ratecast.modelling.nets.base import NetSize
        from ratecast.models.neumf.net import L2, NeuMFNet, Perceptron

        size, mlp = NetSize(users, movies, self.factors), Perceptron(self.layers, self.dropout)
        l2 = L2(self.l2_users, self.l2_movies, self.l2_weights)
        regularization = {"id_dropout": self.id_dropout, "init_std": self.init_std}
        return NeuMFNet(size, mean, mlp, l2, **regularization)

    @override
    def extract_parameters(self, train: Rows) -> None:
        self._shared = self.net.shared()
        super().extract_parameters(train)

    def _sides_of_net(self, train: Rows) -> tuple[Side, Side]:
        net = self.net
        users = beside(net.gmf_users.vectors(), net.mlp_users.vectors())
        movies = beside(net.gmf_movies.vectors(), net.mlp_movies.vectors())
        self._shared |= {"along_users": leading(users), "along_movies": leading(movies)}
        sides = (
            (users, self._prior(self.l2_users, "along_users", len(users))),
            (movies, self._prior(self.l2_movies, "along_movies", len(movies))),
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

    @override
    def arrays(self) -> Arrays:
        return super().arrays() | {f"shared.{name}": x for name, x in self._shared.items()}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        super().restore_arrays(arrays)
        shared = {k: x for k, x in arrays.items() if k.startswith("shared.")}
        self._shared = {k.removeprefix("shared."): x for k, x in shared.items()}
