"""The Kalman filter and the features of the trees over batches of users, or for one user."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F32, F64, I32, I64
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.vocabulary import UNKNOWN, Vocabulary
from ratecast.modelling.history.user_history import RatingColumns, UserHistory
from ratecast.models.state_space.kalman import FilterOutput, RatingStream, UserPrior, run_filter
from ratecast.models.state_space.movie_parameters import Movies
from ratecast.models.state_space.residual_kernel import features_now, residual_features
from ratecast.models.state_space.unknown_ids import has_side_information

# The time of a request: after every rating.
LATEST = np.iinfo(np.int64).max


class Filtered(NamedTuple):
    """What is known of each requested row: mean (n,) and variance (n,) of its stars, by the filter.

    features: (n, C), for the trees.
    """

    mean: F64
    variance: F64
    features: F32


def requests_now(users: I32, movies: I32) -> RatingColumns:
    """Requests after every rating. users, movies: (n,) row numbers."""
    return RatingColumns(users, movies, np.zeros(len(users)), np.full(len(users), LATEST))


def filter_batch(
    requests: RatingColumns, past: RatingColumns, prior: UserPrior, movies: Movies
) -> Filtered:
    """Filter the users of `requests` from their first rating.

    past: the ratings of these users before the requests. A request sees ratings of earlier times
    only, those in `requests` included. prior: mean (U, F) of all users by row number.
    """
    stream, positions, output = _run(requests, past, prior, movies)
    features = residual_features(stream, output, movies.for_features)
    return Filtered(output.mean[positions], output.variance[positions], features[positions])


def filtered_mean(
    requests: RatingColumns, past: RatingColumns, prior: UserPrior, movies: Movies
) -> F64:
    """As `filter_batch`, the mean only."""
    _, positions, output = _run(requests, past, prior, movies)
    return output.mean[positions]


def _run(
    requests: RatingColumns, past: RatingColumns, prior: UserPrior, movies: Movies
) -> tuple[RatingStream, I64, FilterOutput]:
    """All rows by user, the positions of the requests among them, and the filter's output."""
    users = np.unique(requests.users)
    rows, edges, is_requested, positions = past.grouped_with(requests, users)
    stream = RatingStream(edges, rows.movies, rows.stars, rows.at, is_requested)
    batch_prior = UserPrior(prior.mean[users], prior.implicit_weights)
    return stream, positions, run_filter(stream, batch_prior, movies.for_filter, movies.dynamics)


@dataclass(frozen=True)
class FilteredUser:
    """One user after all their ratings: every prediction for the user starts from here.

    movies: the movies' parameters then. prior: mean (1, F). ratings: the user's. innovations: (h,)
    the filter's at each rating, stars. state: (1, W), see `state_vector`.
    """

    movies: Movies
    prior: UserPrior
    ratings: RatingColumns
    innovations: F64
    state: F64

    @classmethod
    def of(cls, ratings: RatingColumns, prior: UserPrior, movies: Movies) -> "FilteredUser":
        """ratings: all of the user's, in time order."""
        state = movies.dynamics.initial[None].copy()
        # One row after the last, so that the last time group is filtered as well.
        edges, requested = np.array([0, len(ratings) + 1]), np.zeros(len(ratings) + 1, bool)
        rows = np.append(ratings.movies, np.int32(0)), np.append(ratings.stars, 0.0)
        stream = RatingStream(edges, *rows, np.append(ratings.at, LATEST), requested)
        output = run_filter(stream, prior, movies.for_filter, movies.dynamics, states=state)
        return cls(movies, prior, ratings, output.innovations[:-1], state)

    def predict(self, requested: I32) -> Filtered:
        """As `filter_batch`, for the movies (n,) of requests made now."""
        movies, past = self.movies, (self.ratings.movies, self.innovations)
        edges, stars, at, is_requested = _request_columns(len(requested))
        stream = RatingStream(edges, requested, stars, at, is_requested)
        output = run_filter(
            stream, self.prior, movies.for_filter, movies.dynamics, states=self.state
        )
        features = features_now(past, requested, output, movies.for_features)
        return Filtered(output.mean, output.variance, features)


def is_one_user(rows: Rows, known: Vocabulary) -> bool:
    """Whether the rows are of one user, known or without side information, and known movies."""
    users, movies = rows.users, rows.movies
    if len(rows) == 1:
        # What a service is mostly asked; the general question takes a tenth of such a forecast.
        one = movies[0] != UNKNOWN
    else:
        one = len(rows) and movies.all() and (users == users[0]).all()
    if not one:
        return False
    return bool(users[0]) or not has_side_information(rows, known)


def filtered_user(
    user: int, history: UserHistory, prior: UserPrior, movies: Movies
) -> FilteredUser:
    """The state of one user (row number, 0: unknown), cached until a rating or the movies change.

    prior: mean (U, F) of all users.
    """
    cached: FilteredUser | None = history.cache.get(user)
    if cached is not None and cached.movies is movies:
        return cached
    own_prior = UserPrior(prior.mean[user : user + 1], prior.implicit_weights)
    ratings = history.of_user(user)
    return history.cached(user, FilteredUser.of(ratings, own_prior, movies))


@lru_cache(maxsize=8)
def _request_columns(count: int) -> tuple[I64, F64, I64, NDArray[np.bool_]]:
    """Edges, stars, times and flags of so many requests of one user."""
    return np.array([0, count]), np.zeros(count), np.full(count, LATEST), np.ones(count, bool)
