"""How often each star is given in the ratings that a model was fitted on."""

import numpy as np
import polars as pl

from ratecast.exports.star_quantiles import StarDistribution
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.plain_requests import ratings_per_movie
from ratecast.queries.title_lookup import unused_user
from ratecast.ratings import MOVIE, USER, Requests


def star_distribution(model: Model) -> StarDistribution:
    r"""The stars of the model's training ratings, to which a person's own ratings are brought.

    An artifact from before stars were counted gives the mean of what it predicts for a new user,
    weighted by the n_m ratings of each movie m:

        q_k = sum_m n_m P(star k | new user, m) / sum_m n_m
    """
    if model.counts.of_stars is not None:
        return StarDistribution(model.scale, model.counts.of_stars.astype(np.float64))
    movies = model.movies.table[MOVIE]
    users = pl.Series(USER, [unused_user(model)]).new_from_index(0, len(movies))
    predicted = model.predict(Requests(pl.DataFrame([users, movies])))
    return StarDistribution(model.scale, ratings_per_movie(model) @ predicted.probabilities)
