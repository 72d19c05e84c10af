"""A forecast as a sum of what the model knows of the user, of the movie, and of both together."""

from dataclasses import dataclass

from ratecast.ids import LOWEST, Id
from ratecast.modelling.contract.plain_requests import predict_pairs
from ratecast.serving.service import RatingService

# The smallest possible id, as number and as text; it is never given to a user or a movie.
UNKNOWN = str(LOWEST)


@dataclass(frozen=True)
class BiasTerms:
    """The terms of a forecast, in stars; their sum is the forecast.

    start: of a new user for a new movie. user: how much more this user gives than a new one, for a
    new movie. movie: how much more this movie gets than a new one, from a new user. both: the rest,
    which is of this user and this movie together.
    """

    start: float
    user: float
    movie: float
    both: float


def bias_terms(service: RatingService, user: Id, movie: Id) -> BiasTerms:
    """The terms of a forecast, exact for every model: they are differences of four forecasts.

    With f(u, i) the forecast, and 0 an id that the model does not know:

        f(u, i) = f(0, 0) + [f(u, 0) - f(0, 0)] + [f(0, i) - f(0, 0)] + the rest

    Raises `NotFoundError` for an unknown movie.
    """
    served = service.live.served
    user_id, movie_id = served.user(user), service.movie(movie).id
    new_user, new_movie = served.user(UNKNOWN), served.movie(UNKNOWN)
    users, movies = [user_id, user_id, new_user, new_user], [movie_id, new_movie] * 2
    _, expected = predict_pairs(served.model, users, movies)
    forecast, of_user, of_movie, start = service.scale.clip(expected.mean).tolist()
    both = forecast - of_user - of_movie + start
    return BiasTerms(start, of_user - start, of_movie - start, both)
