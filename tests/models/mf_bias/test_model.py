import numpy as np
import polars as pl

from ratecast.ratings import Ratings, checked
from tests.modelling.factors.nets import SMALL, fold_in
from tests.planted import planted


def test_a_new_user_is_ridge_regression_around_the_centre() -> None:
    """While the movies stand still, hearing row after row gives the solution for all of them."""
    table = planted(rows=3000, seed=4)
    model = fold_in("mf_bias", **SMALL).fit(table)
    for side in model._of_movies[1:]:
        side[:] = 0
    new = table.frame.filter(pl.col("user") == 1).with_columns(pl.lit(999, pl.Int64).alias("user"))
    heard = checked(Ratings(new, scale=table.scale))
    prior, movies = model._of_users[0][0], model._of_movies[0]
    of_movies = movies[model.movies.encode(heard.frame["movie"])]
    inputs = np.column_stack([np.ones(len(heard)), of_movies[:, 1:]])
    above = heard.stars.astype(float) - model._level - of_movies[:, 0]
    pulls = np.diag([6.0] + [6.0] * 4)
    wanted = np.linalg.solve(inputs.T @ inputs + pulls, pulls @ prior + inputs.T @ above)
    model.observe(heard)
    np.testing.assert_allclose(model._of_users[0][-1], wanted, atol=1e-9)
