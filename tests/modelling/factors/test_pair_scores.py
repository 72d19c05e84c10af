import numba
import numpy as np
import pytest

from ratecast.modelling.factors.pair_scores import Product
from ratecast.modelling.factors.pair_scores_kernel import scored


@pytest.mark.threads
def test_pairs_are_scored_alike_by_any_number_of_threads() -> None:
    random, all_of_them = np.random.default_rng(5), numba.get_num_threads()
    weights = random.normal(size=(40, 65)), random.normal(size=(50, 65))
    rows = [random.integers(0, n, 40_000).astype(np.int32) for n in (40, 50)]
    (users, movies), found = Product(3.0, 0.5, *weights).packed(), np.empty((2, 40_000))
    assert all(side.vectors.ctypes.data % 64 == 0 for side in (users, movies))
    for turn, threads in enumerate((1, all_of_them)):
        numba.set_num_threads(threads)
        scored((rows[0], rows[1]), users.parts, movies.parts, 3.0, found[turn])
    assert np.array_equal(*found)
    mine, theirs = weights[0][rows[0]], weights[1][rows[1]]
    said = mine[:, 0] + theirs[:, 0] + (mine[:, 1:] * theirs[:, 1:]).sum(axis=1)
    np.testing.assert_allclose(found[0], 3 + 0.5 * said, atol=2e-5)
