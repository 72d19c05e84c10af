"""Models that are biases and a product of factors: expected stars of many pairs at once.

`predict` says how sure it is and the probability of every star as well; who only wants expected
stars, of very many pairs, need not wait for that.
"""

from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np

from ratecast.arrays import F32, F64
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.factors.pair_scores_kernel import pack, scored
from ratecast.modelling.kernels.aligned import on_lines
from ratecast.ratings import Requests

PIECE = 1 << 22


@dataclass(frozen=True)
class Packed:
    """One side in single precision. biases: (rows,). vectors: (rows, k), each on lines of cache."""

    biases: F32
    vectors: F32

    @property
    def parts(self) -> tuple[F32, F32]:
        """As kernels take them."""
        return self.biases, self.vectors

    @classmethod
    def of(cls, weights: F64, stretch: tuple[float, float]) -> Self:
        """From (rows, 1 + k) weights, the bias first; what biases and vectors are multiplied by."""
        rows, width = len(weights), weights.shape[1] - 1
        vectors, biases = on_lines(rows, width), np.empty(rows, np.float32)
        pack(weights, stretch, biases, vectors)
        return cls(biases, vectors)


@dataclass(frozen=True)
class Product:
    """level + unit * (bias of the user + bias of the movie + product of their factors), in stars.

    users, movies: (rows, 1 + k), the bias first; row 0 is the unknown.
    """

    level: float
    unit: float
    users: F64
    movies: F64

    def packed(self) -> tuple[Packed, Packed]:
        """Users and movies, so that biases and the product of vectors are in stars."""
        return Packed.of(self.users, (self.unit, self.unit)), Packed.of(self.movies, (self.unit, 1))


@runtime_checkable
class HasProduct(Protocol):
    """A model whose expected stars are a `Product`, before they are clipped."""

    def bilinear_form(self) -> Product:
        """As of now; it may change with what the model hears."""


def expected_stars(model: Model, requests: Requests) -> F64:
    """Expected stars of each request, (n,): those of `predict`, to 1e-5, and nothing beside them.

    Quickest for a model with factors, and where the rows of one user follow one another.
    """
    rows = model.encode(requests)
    return model.scale.clip(_means(model, rows))


def _means(model: Model, rows: Rows) -> F64:
    if isinstance(model, HasProduct) and len(rows) >= len(model.users):
        product = model.bilinear_form()
        found = np.empty(len(rows))
        users, movies = product.packed()
        pairs, sides = (rows.users, rows.movies), (users.parts, movies.parts)
        scored(pairs, *sides, product.level, found)
        return found
    pieces = [rows.take(slice(at, at + PIECE)) for at in range(0, len(rows), PIECE)]
    return np.concatenate([np.empty(0), *(model.predict_rows(piece).mean for piece in pieces)])
