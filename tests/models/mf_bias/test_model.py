import numpy as np
import polars as pl

from ratecast.ratings import Ratings, checked
from tests.modelling.factors.nets import SMALL, fold_in
from tests.planted import planted


def test_a_new_user_is_ridge_regression_around_the_centre() -> None:
    """While the movies stand still, hearing row after row gives the solution for all of them."""
    table = planted(rows=3000, seed=4)
    model = fold_in("mf_bias", **SMALL).fit(table)
    model.state.sides.movies.covariance[:] = 0
    new = table.frame.filter(pl.col("user") == 1).with_columns(pl.lit(999, pl.Int64).alias("user"))
    new = new.unique("movie", keep="last", maintain_order=True)
    heard = checked(Ratings(new, scale=table.scale))
    sides = model.state.sides
    prior, movies = sides.users.weights[0], sides.movies.weights
    of_movies = movies[model.movies.encode(heard.frame["movie"])]
    inputs = np.column_stack([np.ones(len(heard)), of_movies[:, 1:]])
    centred = model.state.centring.centred(heard.stars) - of_movies[:, 0]
    l2 = np.diag([6.0] + [6.0] * 4)
    wanted = np.linalg.solve(inputs.T @ inputs + l2, l2 @ prior + inputs.T @ centred)
    model.observe(heard)
    np.testing.assert_allclose(model.state.sides.users.weights[-1], wanted, atol=1e-9)
