"""A flat map of the movies, to look at.

Reference: van der Maaten, Hinton 2008, "Visualizing data using t-SNE".
"""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.models.likeness import MovieVectors

F64 = NDArray[np.float64]


def flat_map(vectors: MovieVectors, seed: int = 0, steps: int = 1000) -> F64:
    """A map in which movies of like vectors, by cosine, lie together: (m, 2).

    Neighbours mean something; distances across the map do not. Raises `InputError` where
    scikit-learn is missing.
    """
    manifold = sklearn("manifold")
    near = min(30.0, (len(vectors.vectors) - 1) / 3)
    lengths = np.maximum(np.linalg.norm(vectors.vectors, axis=1, keepdims=True), 1e-12)
    made = manifold.TSNE(
        perplexity=near, metric="cosine", init="random", max_iter=steps, random_state=seed
    )
    places: F64 = made.fit_transform(vectors.vectors / lengths).astype(np.float64)
    return places


def sklearn(part: str) -> Any:
    """A part of scikit-learn, which not every installation has. Raises `InputError`."""
    if find_spec("sklearn") is None:
        raise InputError("scikit-learn is missing; pip install scikit-learn")
    # Counting the cores starts a process that some machines do not have.
    os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")
    return import_module(f"sklearn.{part}")
