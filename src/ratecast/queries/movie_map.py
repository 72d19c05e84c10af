"""A flat map of the movies, to look at.

Reference: van der Maaten, Hinton 2008, "Visualizing data using t-SNE".
"""

import numpy as np

from ratecast.arrays import F64
from ratecast.optional_packages import sklearn
from ratecast.queries.similar import MovieVectors


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
