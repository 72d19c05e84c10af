import numba
import numpy as np
import pytest

from ratecast.modelling.factors.bilinear_state import BilinearForm
from ratecast.modelling.factors.pair_scores import score_pairs, single_precision


@pytest.mark.threads
def test_pairs_are_scored_alike_by_any_number_of_threads() -> None:
    random, all_of_them = np.random.default_rng(5), numba.get_num_threads()
    weights = random.normal(size=(40, 65)), random.normal(size=(50, 65))
    rows = [random.integers(0, n, 40_000).astype(np.int32) for n in (40, 50)]
    users, movies = single_precision(BilinearForm(3.0, 0.5, *weights))
    scores = np.empty((2, 40_000))
    assert all(side.vectors.ctypes.data % 64 == 0 for side in (users, movies))
    for turn, threads in enumerate((1, all_of_them)):
        numba.set_num_threads(threads)
        score_pairs((rows[0], rows[1]), users, movies, 3.0, scores[turn])
    assert np.array_equal(*scores)
    p, q = weights[0][rows[0]], weights[1][rows[1]]
    plain = p[:, 0] + q[:, 0] + (p[:, 1:] * q[:, 1:]).sum(axis=1)
    np.testing.assert_allclose(scores[0], 3 + 0.5 * plain, atol=2e-5)
