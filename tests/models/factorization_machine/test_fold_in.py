"""The posterior of a user, given all that was rated before, against the normal equations."""

import numpy as np
import pytest

from ratecast.models.factorization_machine.fold_in import walk_users
from ratecast.models.factorization_machine.fold_in_columns import (
    BatchColumns,
    Likelihood,
    MovieSide,
    TimeBins,
    UserSide,
)


def normal_equations(
    x: np.ndarray, target: np.ndarray, noise: np.ndarray, prior: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a vector with mean and precisions `prior`, given noisy products."""
    mean, precision = prior
    covariance = np.linalg.inv(x.T @ (x / noise[:, None]) + np.diag(precision))
    return covariance @ (x.T @ (target / noise) + precision * mean), covariance


def test_updates_are_the_conjugate_posterior() -> None:
    random = np.random.default_rng(0)
    samples, width, size = 3, 4, 12
    vectors, in_set = random.normal(size=(2, 8, samples, width)).astype(np.float32)
    prior = random.normal(size=(1, samples, width)).astype(np.float32)
    mean_set = random.normal(size=(samples, width)).astype(np.float32)
    precision, level = random.random((samples, width)) + 0.5, random.normal(size=samples)
    movie, stars = random.integers(8, size=size), random.normal(size=size)
    noise, time, group = random.random(size) + 0.5, random.normal(size=size), np.arange(size) // 3
    group[:3] = -1
    keys = np.column_stack([np.arange(size) // 2, np.arange(size) // 6])
    unknown, bin_variances = (
        np.column_stack([keys[:, 0] % 3 > 0, np.ones(size)]),
        np.array([0.4, 0.7]),
    )
    shared = [unknown[:, [b]] * np.eye(6)[keys[:, b]] for b in (0, 1)]
    effects, sharp = np.hstack(shared), np.repeat(1 / bin_variances, 6)
    mean, variance, _ = walk_users(
        BatchColumns(np.array([0, size]), movie, stars - time, time, noise, group),
        TimeBins(keys, unknown, bin_variances),
        UserSide(prior, mean_set, precision),
        MovieSide(vectors, in_set),
        Likelihood(level, np.zeros((samples, 0))),
    )
    for row in range(3, size):
        past = np.flatnonzero(group < group[row])
        known, means, variances = np.unique(movie[past]), [], []
        for s in range(samples):
            x = np.column_stack([np.ones(size), vectors[movie, s, 1:], effects])
            target = (stars - time - level[s] - vectors[movie, s, 0])[past]
            centre = prior[0, s] + in_set[known, s].sum(axis=0) / len(known) ** 0.5
            prior_of_all = np.append(centre, 0 * sharp), np.append(precision[s], sharp)
            weights, covariance = normal_equations(x[past], target, noise[past], prior_of_all)
            means.append(level[s] + vectors[movie[row], s, 0] + time[row] + x[row] @ weights)
            variances.append(x[row] @ covariance @ x[row])
        assert mean[row] == pytest.approx(np.mean(means))
        assert variance[row] == pytest.approx(np.var(means) + np.mean(variances))


def test_a_user_without_ratings_has_the_mean_set() -> None:
    vectors, prior, mean_set = np.zeros((1, 1, 2)), np.full((1, 1, 2), 0.5), np.full((1, 2), 0.25)
    vectors[0, 0] = [1.0, 2.0]
    zero = np.zeros(1)
    mean, _, _ = walk_users(
        BatchColumns(np.array([0, 1]), np.zeros(1, int), zero, zero, np.ones(1), np.zeros(1, int)),
        TimeBins(np.zeros((1, 0), int), np.zeros((1, 0)), np.zeros(0)),
        UserSide(prior, mean_set, np.ones((1, 2))),
        MovieSide(vectors, np.zeros((1, 1, 2))),
        Likelihood(np.array([3.0]), np.zeros((1, 0))),
    )
    assert mean[0] == pytest.approx(3 + 1 + 0.75 + 2 * 0.75)
