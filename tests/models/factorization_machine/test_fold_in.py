"""The posterior of a user, given all that was rated before, against the normal equations."""

import numpy as np
import pytest

from ratecast.models.factorization_machine.fold_in import follow as fold


def normal_equations(
    x: np.ndarray, target: np.ndarray, noise: np.ndarray, prior: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a vector with mean and precisions `prior`, given noisy products."""
    mean, ridge = prior
    cover = np.linalg.inv(x.T @ (x / noise[:, None]) + np.diag(ridge))
    return cover @ (x.T @ (target / noise) + ridge * mean), cover


def test_the_fold_in_of_bfm_is_the_conjugate_posterior() -> None:
    random = np.random.default_rng(0)
    samples, width, size = 3, 4, 12
    vectors, company = random.normal(size=(2, 8, samples, width))
    prior, usual = random.normal(size=(1, samples, width)), random.normal(size=(samples, width))
    ridge, level = random.random((samples, width)) + 0.5, random.normal(size=samples)
    movie, stars = random.integers(8, size=size), random.normal(size=size)
    noise, time, moment = random.random(size) + 0.5, random.normal(size=size), np.arange(size) // 3
    moment[:3] = -1
    keys = np.column_stack([np.arange(size) // 2, np.arange(size) // 6])
    unknown, loose = np.column_stack([keys[:, 0] % 3 > 0, np.ones(size)]), np.array([0.4, 0.7])
    shared = [unknown[:, [b]] * np.eye(6)[keys[:, b]] for b in (0, 1)]
    effects, sharp = np.hstack(shared), np.repeat(1 / loose, 6)
    mean, variance, _ = fold(
        (np.array([0, size]), movie, stars - time, time, noise, moment),
        (keys, unknown, loose),
        (prior, usual, ridge),
        (vectors, company),
        (level, np.zeros((samples, 0))),
    )
    for row in range(3, size):
        heard = np.flatnonzero(moment < moment[row])
        known, says, doubts = np.unique(movie[heard]), [], []
        for s in range(samples):
            x = np.column_stack([np.ones(size), vectors[movie, s, 1:], effects])
            target = (stars - time - level[s] - vectors[movie, s, 0])[heard]
            centre = prior[0, s] + company[known, s].sum(axis=0) / len(known) ** 0.5
            prior_of_all = np.append(centre, 0 * sharp), np.append(ridge[s], sharp)
            weights, cover = normal_equations(x[heard], target, noise[heard], prior_of_all)
            says.append(level[s] + vectors[movie[row], s, 0] + time[row] + x[row] @ weights)
            doubts.append(x[row] @ cover @ x[row])
        assert mean[row] == pytest.approx(np.mean(says))
        assert variance[row] == pytest.approx(np.var(says) + np.mean(doubts))


def test_a_user_without_ratings_has_the_usual_set() -> None:
    vectors, prior, usual = np.zeros((1, 1, 2)), np.full((1, 1, 2), 0.5), np.full((1, 2), 0.25)
    vectors[0, 0] = [1.0, 2.0]
    zero = np.zeros(1)
    mean, _, _ = fold(
        (np.array([0, 1]), np.zeros(1, int), zero, zero, np.ones(1), np.zeros(1, int)),
        (np.zeros((1, 0), int), np.zeros((1, 0)), np.zeros(0)),
        (prior, usual, np.ones((1, 2))),
        (vectors, np.zeros((1, 1, 2))),
        (np.array([3.0]), np.zeros((1, 0))),
    )
    assert mean[0] == pytest.approx(3 + 1 + 0.75 + 2 * 0.75)
