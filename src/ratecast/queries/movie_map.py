"""A two-dimensional map of the movies, to look at.

Reference: van der Maaten, Hinton 2008, "Visualizing data using t-SNE".
"""

import numpy as np

from ratecast.arrays import F64
from ratecast.optional_packages import sklearn
from ratecast.queries.similar import MovieVectors


def movie_map(vectors: MovieVectors, seed: int = 0, steps: int = 1000) -> F64:
    """Coordinates that put movies of similar vectors, by cosine, near each other: (m, 2).

    Near movies are similar; distances across the map mean nothing.

    vectors: of a fitted model.
    seed: of the random start; the same seed gives the same map.
    steps: iterations of t-SNE.

    Raises `MissingPackageError` where scikit-learn is missing.
    """
    manifold = sklearn("manifold")
    perplexity = min(30.0, (len(vectors.vectors) - 1) / 3)
    lengths = np.maximum(np.linalg.norm(vectors.vectors, axis=1, keepdims=True), 1e-12)
    tsne = manifold.TSNE(
        perplexity=perplexity, metric="cosine", init="random", max_iter=steps, random_state=seed
    )
    coordinates: F64 = tsne.fit_transform(vectors.vectors / lengths).astype(np.float64)
    return coordinates
