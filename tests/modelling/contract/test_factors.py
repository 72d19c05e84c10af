import numpy as np

from ratecast.modelling.contract.factors import Factors


def test_one_measure_however_the_factors_are_turned_and_stretched() -> None:
    random = np.random.default_rng(0)
    users, movies = random.normal(size=(50, 4)), random.normal(size=(9, 4))
    turn = random.normal(size=(3, 3))
    turned = np.column_stack([users[:, :1], users[:, 1:] @ turn])
    back = np.column_stack([movies[:, :1], movies[:, 1:] @ np.linalg.inv(turn).T])
    one, other = Factors.of(users, movies), Factors.of(turned, back)
    grams = [f.factors @ f.cov @ f.factors.T for f in (one, other)]
    np.testing.assert_allclose(grams[0], grams[1])
    given = users[1:, 1:] @ movies[:, 1:].T
    np.testing.assert_allclose(grams[0], np.cov(given, rowvar=False, ddof=0))
