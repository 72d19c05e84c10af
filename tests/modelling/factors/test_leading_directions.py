import numpy as np

from ratecast.arrays import F64
from ratecast.modelling.factors.leading_directions import MOST_HEARD, leading, turned


def test_leading_directions() -> None:
    random = np.random.default_rng(0)
    narrow: F64 = random.normal(size=(50, 5))
    assert np.array_equal(leading(narrow), np.eye(5))
    users, movies = (random.normal(size=(n, 6)) @ random.normal(size=(6, 60)) for n in (40, 50))
    both = np.vstack([users, movies])
    along = leading(both)
    np.testing.assert_allclose(along.T @ along, np.eye(MOST_HEARD), atol=1e-9)
    np.testing.assert_allclose(both @ along @ along.T, both, atol=1e-9)
    of_users, of_movies = turned(users, movies)
    np.testing.assert_allclose(of_users @ of_movies.T, users @ movies.T, atol=1e-8)
