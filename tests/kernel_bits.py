"""What the kernels compute, to the bit: `python -m tests.kernel_bits NAME ...`, a line for each.

Two processes that print the same lines agree in every bit. NAME is `em_sums`, or a model of
`MODELS` whose kernels are our own.
"""

import os
import sys
from hashlib import sha256
from typing import Any

# Before numpy is loaded, so that the matrix products of its library have one order.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from ratecast.models.state_space.em_posterior import movie_posterior, user_posterior
from ratecast.models.state_space.em_sums import group_sums, movie_sums, movie_terms
from ratecast.models.state_space.symmetric import lower_triangles, packed

GROUPS, LINES, WIDTH, ROWS = 60, 40, 17, 3000
# No net, whose products are torch's.
MODELS: dict[str, dict[str, Any]] = {
    "als": {},
    "mf_bias": {"solver": "kernel"},
    "gaussian_process": {},
    "cold_start": {},
    "factorization_machine": {"chains": 1, "iterations": 30},
    "state_space": {},
}
NAMES = ("em_sums", *MODELS)


def em_sums() -> list[np.ndarray]:
    """What EM of the state space sums over all ratings, for random numbers."""
    draw = np.random.default_rng(0)
    edges = np.sort(draw.integers(0, ROWS + 1, GROUPS + 1))
    edges[0], edges[-1] = 0, ROWS
    lines = draw.integers(0, LINES, ROWS).astype(np.int32)
    groups = edges, lines, draw.normal(3.5, 1, ROWS)
    vectors, cov = draw.normal(size=(LINES, WIDTH)), draw.normal(size=(LINES, WIDTH, WIDTH))
    whole = cov @ cov.transpose(0, 2, 1)
    found: list[np.ndarray] = [group_sums(edges, lines, vectors)]
    for number in (np.float32, np.float64):
        noise = draw.uniform(0.5, 1.5, LINES)
        terms = movie_terms(vectors[:, 1:], lower_triangles(whole[:, 1:, 1:]), noise, number)
        prior = packed(np.eye(WIDTH)), draw.normal(size=(GROUPS, WIDTH))
        users = user_posterior(groups, (vectors[:, 0].copy(), terms), prior)
        # The users' terms stand for those of the raters of as many movies.
        raters = edges, lines, groups[2]
        sums = movie_sums(raters, 3.5, users[1], draw.uniform(0.5, 1.5, WIDTH))
        l2 = draw.uniform(1, 2, (GROUPS, WIDTH))
        found += [*users, *sums, *movie_posterior(sums, l2, l2, draw.uniform(0.5, 1.5, GROUPS))]
    return found


def fitted(name: str) -> list[np.ndarray]:
    """Forecasts of a model after a fit, and while it updates online."""
    from ratecast.splits import chronological
    from ratecast.training import make_model
    from tests.planted import planted

    split = chronological(planted(users=150, movies=90, rows=9000))
    model = make_model(name, **MODELS[name]).fit(split.train, split.valid)
    forecasts = [model.predict(split.test.requests())]
    if model.updates_online():
        forecasts += [model.walk(split.test), model.predict(split.test.requests())]
    return [part for each in forecasts for part in (each.stars, each.probabilities)]


def main() -> None:
    """Print a line for each name."""
    for name in sys.argv[1:]:
        arrays = em_sums() if name == "em_sums" else fitted(name)
        bits = sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays))
        print(name, bits.hexdigest()[:16], flush=True)


if __name__ == "__main__":
    main()
