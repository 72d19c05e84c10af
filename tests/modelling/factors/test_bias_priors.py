import numpy as np
import pytest

from ratecast.modelling.factors import bias_priors
from ratecast.modelling.factors.bias_messages import BiasMessages
from ratecast.modelling.factors.bias_priors import learn_bias_priors
from ratecast.modelling.factors.bilinear_state import Centring
from ratecast.models.bias import Bias
from ratecast.ratings import Ratings
from tests.models.variational_mf.test_model import error, parts, sparse_biases


def exact(
    users: np.ndarray, movies: np.ndarray, variances: tuple[float, float, float]
) -> np.ndarray:
    """The joint posterior covariance of all biases, users first."""
    size = users.max() + 1, movies.max() + 1
    design = np.zeros((len(users), sum(size)))
    design[np.arange(len(users)), users] = 1
    design[np.arange(len(users)), size[0] + movies] = 1
    prior = np.repeat(1 / np.array(variances[:2]), size)
    return np.linalg.inv(np.diag(prior) + design.T @ design / variances[2])


def test_messages_are_exact_on_a_tree() -> None:
    """A chain of users and movies has no circle, so that belief propagation is exact there."""
    users, movies = (
        np.array([0, 0, 1, 1, 2, 3, 3], np.int32),
        np.array([0, 1, 1, 2, 2, 2, 3], np.int32),
    )
    covariance = exact(users, movies, (0.5, 0.3, 0.7))
    messages = BiasMessages.initial(users, movies, (4, 4))
    for _ in range(10):
        variances = messages.update((0.5, 0.3), 0.7)
    np.testing.assert_allclose(np.diag(covariance), np.r_[variances.users, variances.movies])
    pairs = [
        covariance[u, u] + covariance[4 + m, 4 + m] + 2 * covariance[u, 4 + m]
        for u, m in zip(users, movies, strict=True)
    ]
    np.testing.assert_allclose(variances.pairs, pairs)


def learned(table: Ratings, given: tuple[float | None, float | None]) -> tuple[float, float]:
    model = Bias()
    rows = model.fit(table).encode(table)
    counted = model.counts.of_users, model.counts.of_movies
    priors = learn_bias_priors(rows, Centring.of(table.stars), counted, given)
    return priors.user_damping, priors.movie_damping


@pytest.mark.parametrize("per_user", [2.0, 4.0, 20.0])
def test_dampings_are_those_of_the_planted_variances(per_user: float) -> None:
    """0.64 of the noise over 0.64 and 0.16, also where half of the users have a rating or two."""
    found = learned(sparse_biases(20_000, per_user, seed=2), (None, None))
    assert found == pytest.approx((1.0, 4.0), rel=0.15)


def test_a_damping_that_is_given_is_kept() -> None:
    found = learned(sparse_biases(5_000, 4.0, seed=3), (2.5, None))
    assert found[0] == pytest.approx(2.5)
    assert found[1] != pytest.approx(2.5, rel=0.1)


@pytest.mark.parametrize("per_user", [1.2, 4.0, 20.0])
def test_learned_dampings_are_as_good_as_the_planted_ones(per_user: float) -> None:
    train, test = parts(sparse_biases(12_000, per_user, seed=1))
    best = error(Bias(user_damping=1.0, movie_damping=4.0).fit(train), test)
    assert error(Bias().fit(train), test) < 1.002 * best


def test_some_users_of_a_large_table_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    table = sparse_biases(40_000, 8.0, seed=5)
    model = Bias().fit(table)
    rows, centring = model.encode(table), Centring(3.0)
    counted = model.counts.of_users, model.counts.of_movies
    whole = learn_bias_priors(rows, centring, counted, (None, None))
    monkeypatch.setattr(bias_priors, "MOST_ROWS", 10_000)
    some = learn_bias_priors(rows, centring, counted, (None, None))
    assert some[2:] != whole[2:]
    assert some[2:] == pytest.approx(whole[2:], rel=0.15)
    for one, other in ((some.users, whole.users), (some.movies, whole.movies)):
        np.testing.assert_allclose(one, other, atol=0.06)
