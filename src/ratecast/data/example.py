"""A small table of made ratings, for examples: nothing is fetched."""

import numpy as np
import polars as pl

from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, Scale, checked

HOUR = 3_600


def example_ratings(
    users: int = 60,
    movies: int = 40,
    rows: int = 1_500,
    seed: int = 0,
    scale: Scale = Scale(1, 5),  # noqa: B008
) -> Ratings:
    """Made ratings, in order of time; the same for the same seed.

    rating = 3 + bias of the user + bias of the movie + noise, rounded to the scale, with biases
    of standard deviation 0.6 and noise of 0.3; on a continuous scale 3 is its middle, and 1 a
    quarter of it. users, movies: ids run from 1 to these. About seven ratings share each hour.

    >>> import ratecast as rc
    >>> len(rc.example_ratings()), str(rc.example_ratings().scale)
    (1500, '1:5:1')
    """
    random = np.random.default_rng(seed)
    user, movie = random.integers(users, size=rows), random.integers(movies, size=rows)
    user_bias, movie_bias = random.normal(0, 0.6, users), random.normal(0, 0.6, movies)
    clean = 3 + user_bias[user] + movie_bias[movie]
    noisy = clean + random.normal(0, 0.3, rows)
    if scale.step is None:
        stars = scale.clip(scale.low + (noisy - 1) * (scale.high - scale.low) / 4)
    else:
        stars = scale.clip(np.round(noisy / scale.step) * scale.step)
    hours = np.sort(random.integers(max(rows // 7, 1), size=rows))
    columns = {USER: user + 1, MOVIE: movie + 1, RATING: stars, AT: 1_000_000 + hours * HOUR}
    return checked(Ratings(pl.DataFrame(columns), scale=scale))
