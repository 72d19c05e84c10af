"""The Gibbs sampler: kernels against plain numpy, draws against the exact posterior."""

import numpy as np
import pytest
import scipy.sparse as sp

from ratecast.models.factorization_machine import gibbs_kernel as kernels
from ratecast.models.factorization_machine.ordinal_latent import OrdinalLatent
from ratecast.models.factorization_machine.sampler import Block, Chain


def small_block(random: np.random.Generator, index: np.ndarray) -> Block:
    features = sp.csc_array(random.normal(size=(5, 7)) * (random.random((5, 7)) < 0.6))
    block = Block(features, np.array([0, 0, 0, 1, 1, 1, 1], np.int32), index, 2)
    block.start(random)
    return block


def test_kernels_equal_plain_sums() -> None:
    random = np.random.default_rng(0)
    index = random.integers(5, size=40).astype(np.int32)
    inputs, precision, residual = random.normal(size=40), random.random(40), random.normal(size=40)
    sums = np.empty((2, 5))
    kernels.line_sums(index, inputs, precision, residual, sums)
    np.testing.assert_allclose(sums[0], np.bincount(index, precision * residual * inputs, 5))
    np.testing.assert_allclose(sums[1], np.bincount(index, precision * inputs**2, 5))
    step, expected = random.normal(size=5), residual.copy()
    kernels.update_residuals(index, inputs, step, residual)
    np.testing.assert_allclose(residual, expected - step[index] * inputs)


def test_draws_have_the_mean_and_covariance_of_the_exact_posterior() -> None:
    random = np.random.default_rng(1)
    index = random.integers(5, size=60).astype(np.int32)
    block = small_block(random, index)
    design = block.features.toarray()[index]
    target, precision, ones = random.normal(size=60), random.random(60) + 0.5, np.ones(60)
    block.precision = np.full((3, 2), 2.0)
    inverse = np.linalg.inv(design.T @ (precision[:, None] * design) + 2 * np.eye(7))
    exact = inverse @ (design.T @ (precision * target))
    residual = target - block.total[0][index]
    kernels.seed_kernels(3)
    draws = []
    for _ in range(20_000):
        block.draw_factor(0, ones, precision, residual)
        draws.append(block.coefficients[0].copy())
    np.testing.assert_allclose(np.mean(draws, 0), exact, atol=0.03)
    np.testing.assert_allclose(np.cov(np.array(draws).T), inverse, atol=0.04)


def test_a_chain_keeps_its_errors_and_totals_current() -> None:
    random = np.random.default_rng(2)
    user = small_block(random, random.integers(5, size=80).astype(np.int32))
    movie = small_block(random, random.integers(5, size=80).astype(np.int32))
    stars = random.normal(3, 1, 80)
    chain = Chain(stars, user, movie, [], seed=0)
    for _ in range(20):
        chain.iterate()
    linear = user.total[0][user.index] + movie.total[0][movie.index]
    np.testing.assert_allclose(
        chain.residual, stars - chain.level - linear - chain.interaction(), atol=1e-9
    )
    np.testing.assert_allclose(user.total, (user.features @ user.coefficients.T).T, atol=1e-9)


def test_the_ordered_probit_recovers_planted_cuts() -> None:
    random = np.random.default_rng(0)
    forecast = random.normal(3, 1, 6000)
    cuts = np.array([1.5, 2.0, 3.4, 4.5])
    star = np.searchsorted(cuts, forecast + random.normal(0, 0.7, 6000))
    latent = OrdinalLatent(star, np.arange(1.0, 6.0), random)
    precision = np.full(6000, 0.7**-2)
    for _ in range(150):
        values = latent.draw(forecast, precision)
    np.testing.assert_allclose(latent.cuts, cuts, atol=0.08)
    assert (np.searchsorted(latent.cuts, values) == star).all()
    assert np.std(values - forecast) == pytest.approx(0.7, abs=0.05)
    assert (np.diff(latent.star_means()) > 0).all()
