import numpy as np

from ratecast.modelling.contract.rows import Expected
from ratecast.modelling.history.movie_residuals import MovieResiduals


def test_movie_residuals_are_damped_means_of_earlier_time_groups() -> None:
    residuals = MovieResiduals.empty(3, 4.0)
    expected = Expected(np.full(4, 3.0))
    movies, stars = np.array([1, 1, 2, 1], np.int32), np.array([5, 4, 1, 3], np.float32)
    said = residuals.walk(expected, movies, stars, np.array([0, 1, 4])).mean
    np.testing.assert_allclose(said, [3, 3 + 2 / 5, 3, 3 + 2 / 5])
    said = residuals.corrected(expected, np.array([0, 1, 2, 1], np.int32)).mean
    np.testing.assert_allclose(said, [3, 3 + 3 / 7, 3 - 2 / 5, 3 + 3 / 7])
