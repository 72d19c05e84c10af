"""Replay a user's ratings in time order: the forecast before each rating, and its error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.ids import Id
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import UnsupportedError
from ratecast.serving.service import RatingService

TRIES = 50


@dataclass(frozen=True)
class UserReplay:
    """A user's ratings in time order; all fields have length n.

    stars: given. at: UTC seconds, 0 where unknown. history_length: number of ratings with an
    earlier timestamp. forecast: expected stars from those. as_new_user: expected stars from none.
    """

    movies: list[Movie]
    stars: F64
    at: NDArray[np.int64]
    forecast: F64
    as_new_user: F64
    history_length: NDArray[np.int64]

    def rmse(self, forecast: F64) -> F64:
        """Root mean squared error over the first 1, 2, ..., n ratings, in stars: (n,)."""
        errors = np.cumsum((forecast - self.stars) ** 2)
        running: F64 = np.sqrt(errors / np.arange(1, len(errors) + 1))
        return running


def replay_user(service: RatingService, user: Id, unknown_user: Id) -> UserReplay:
    """The forecast for each rating of a user, from that user's earlier ratings only.

    Movie parameters and calibration stay as they are in the served model. unknown_user: an id
    without ratings. Raises `UnsupportedError` for a model that keeps no ratings.
    """
    served = service.live.served
    model, user_id = served.model, served.user(user)
    if not isinstance(model, HistoryModel):
        raise UnsupportedError(f"model {model.name}: keeps no ratings, so none can be replayed")
    ratings, replayed = model.history_of(user_id), model.replay(user_id)
    lines = [served.catalogue.line[rating.movie] for rating in ratings]
    return UserReplay(
        [served.catalogue.movies[line] for line in lines],
        np.array([rating.stars for rating in ratings]),
        np.array([rating.at for rating in ratings], np.int64),
        replayed.stars,
        service.live.forecast(served.user(unknown_user), lines).stars,
        replayed.history_length,
    )


def star_counts(service: RatingService, movie: Id) -> list[int] | None:
    """Number of ratings of a movie with each star; None for a model that keeps no ratings."""
    model, movie_id = service.live.served.model, service.movie(movie).id
    return model.star_counts(movie_id).tolist() if isinstance(model, HistoryModel) else None


def random_user(service: RatingService) -> Id | None:
    """A random user of the training data who has ratings and gave none to this service."""
    known = service.live.served.model.users.known
    for user in known.sample(min(TRIES, len(known)), shuffle=True).to_list():
        if user not in service.live.given and service.live.ratings_of(user):
            chosen: Id = user
            return chosen
    return None
