import numpy as np
import polars as pl

from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.ratings import Ratings, Scale


def test_movie_residuals_are_damped_means_of_earlier_time_groups() -> None:
    residuals = MovieResiduals.empty(3, 4.0)
    expected = Expected(np.full(4, 3.0))
    movies, edges = np.array([1, 1, 2, 1], np.int32), np.array([0, 1, 4])
    users, stars = np.array([1, 2, 1, 3], np.int32), np.array([5, 4, 1, 3], np.float32)
    frame = pl.DataFrame({"user": users, "movie": movies, "rating": stars})
    rows = Rows(users, movies, Ratings(frame, scale=Scale(1, 5)))
    said = residuals.walk(expected, rows, edges).mean
    np.testing.assert_allclose(said, [3, 3 + 2 / 5, 3, 3 + 2 / 5])
    said = residuals.corrected(expected, movies).mean
    np.testing.assert_allclose(said, [3 + 3 / 7, 3 + 3 / 7, 3 - 2 / 5, 3 + 3 / 7])
    # The first row takes the place of 2 stars, the third of the same rating; the others are new.
    former = np.array([2, np.nan, 1, np.nan], np.float32)
    said = residuals.walk(expected, rows.with_former(former), edges).mean
    np.testing.assert_allclose(said, [3 + 3 / 7, 3 + 6 / 7, 3 - 2 / 5, 3 + 6 / 7])
    np.testing.assert_allclose(residuals.sums[1:], [[7, 5], [-2, 1]])
