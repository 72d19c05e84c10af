"""NeuMF: a matrix factorization and a perceptron, combined by a linear head that predicts stars."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from typing_extensions import override

from ratecast.arrays import F64, I32, I64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.settings import SHARE, Limits, Range
from ratecast.modelling.factors.bilinear import CentredRatings, Side, Sides
from ratecast.modelling.factors.fold_in import FoldInNet, usable_l2
from ratecast.modelling.factors.posterior_covariance import leading_directions
from ratecast.modelling.factors.recursive_least_squares import prior_covariance
from ratecast.modelling.nets.net_model import TrainerSettings
from ratecast.models.neumf.extended_kalman import (
    SharedWeights,
    predict,
    update,
    update_covariance,
)

if TYPE_CHECKING:
    from ratecast.models.neumf.net import NeuMFNet


@dataclass(kw_only=True, eq=False)
class NeuMF(FoldInNet):
    """stars(u, i) = h · [p_u * q_i, MLP(p'_u, q'_i)] + b.

    MLP: layers a <- max(0, W a + c) on the concatenated vectors. Trained by Adam to minimise the
    squared error plus l2 times the squared deviations of the vectors from their learned centres
    and the squared weights of MLP and head. The centres are the vectors of an unknown user and
    movie. A new rating updates its user and its movie by least squares on the gradient of the net
    (extended Kalman filter).

    factors: length of each of the four vectors.
    layers: widths of the perceptron's layers.
    dropout: share of a layer's outputs that training drops.
    id_dropout: share of the training rows whose user is replaced by the unknown one.
    l2_users, l2_movies: penalty of the vectors, noise variance / prior variance.
    l2_weights: the same of the weights of the perceptron and the head.
    init_std: standard deviation of the initial numbers.
    trainer: epochs, batch size and learning rate, see `TrainerSettings`.
    seed: of the initial numbers, the order of the batches and the dropout.

    RMSE on the chronological split of MovieLens 100K: see docs/results.md.
    Reference: He, Liao, Zhang, Nie, Hu, Chua 2017, "Neural Collaborative Filtering", equations 8,
    10 and 12 (GMF, MLP, and their fusion).
    Differs: the head predicts stars, with squared error (the paper ranks implicit feedback with a
    sigmoid and log loss); no pretraining of the two parts; learned centres; id dropout.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.NeuMF(factors=2, layers=(4,), trainer={"epochs": 2}).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
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

    @override
    def make_net(self, users: int, movies: int, mean: float) -> "NeuMFNet":
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

    @override
    def net_sides(self, train: Rows) -> Sides:
        net = self.net
        users = np.hstack([net.gmf_users.vectors(), net.mlp_users.vectors()])
        movies = np.hstack([net.gmf_movies.vectors(), net.mlp_movies.vectors()])
        along_users, along_movies = leading_directions(users), leading_directions(movies)
        self._shared |= {"along_users": along_users, "along_movies": along_movies}
        sides = Sides(
            Side(users, _prior(self.l2_users, along_users.shape[1], len(users))),
            Side(movies, _prior(self.l2_movies, along_movies.shape[1], len(movies))),
        )
        update_covariance(train.users, train.movies, sides, self.shared_weights())
        return sides

    @override
    def predict_scores(self, users: I32, movies: I32) -> tuple[F64, F64]:
        predicted: tuple[F64, F64] = predict(users, movies, self.state.sides, self.shared_weights())
        return predicted

    @override
    def scores_alone(self, users: I32, movies: I32) -> F64:
        return self.predict_scores(users, movies)[0]

    @override
    def update_scores(self, ratings: CentredRatings, edges: I64) -> tuple[F64, F64]:
        shared = self.shared_weights()
        predicted: tuple[F64, F64] = update(ratings, edges, self.state.sides, shared)
        return predicted

    def shared_weights(self) -> SharedWeights:
        """The weights of the net that all ids share, for the kernels."""
        count, shared = len(self.layers), self._shared
        return SharedWeights(
            layers=tuple(shared[f"layer{k}"] for k in range(count)),
            biases=tuple(shared[f"shift{k}"] for k in range(count)),
            head=shared["head"],
            head_bias=shared["head_shift"],
            user_directions=shared["along_users"],
            movie_directions=shared["along_movies"],
        )

    @override
    def arrays(self) -> Arrays:
        return super().arrays() | {f"shared.{name}": x for name, x in self._shared.items()}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        super().restore_arrays(arrays)
        shared = {k: x for k, x in arrays.items() if k.startswith("shared.")}
        self._shared = {k.removeprefix("shared."): x for k, x in shared.items()}


def _prior(l2: float, directions: int, rows: int) -> F64:
    """Prior covariance along the directions: (rows, directions, directions)."""
    return prior_covariance(usable_l2(np.full(directions, l2)), rows)
