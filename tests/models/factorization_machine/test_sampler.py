"""The Gibbs sampler: kernels against plain numpy, draws against the exact posterior."""

import numpy as np
import pytest
import scipy.sparse as sp

from ratecast.models.factorization_machine import gibbs_kernel as kernels
from ratecast.models.factorization_machine.features import one_hot
from ratecast.models.factorization_machine.normal_draws import NormalDraws, fill_normals
from ratecast.models.factorization_machine.ordinal_latent import OrdinalLatent
from ratecast.models.factorization_machine.sampler import CHAINS, Block, Chains


def small_block(random: np.random.Generator, index: np.ndarray, chains: int = 1) -> Block:
    features = sp.csc_array(random.normal(size=(5, 7)) * (random.random((5, 7)) < 0.6))
    block = Block(features, np.array([0, 0, 0, 1, 1, 1, 1], np.int32), index, 2)
    block.start([random] * chains)
    return block


def test_kernels_equal_plain_sums() -> None:
    random = np.random.default_rng(0)
    lines = [random.integers(5, size=40).astype(np.int32) for _ in "um"]
    ratings = kernels.Ratings(random.random((40, CHAINS)), random.normal(size=(40, CHAINS)))
    factors = [random.random((5, CHAINS)) for _ in "um"]
    found = np.empty((5, CHAINS))
    kernels.noise_sums(*lines, factors[1], ratings.residual, found)
    weighted = factors[1][lines[1]] * ratings.residual**2
    for c in range(CHAINS):
        np.testing.assert_allclose(found[:, c], np.bincount(lines[0], weighted[:, c], 5))
    sums = np.empty((1, 2 * CHAINS))
    kernels.set_precision((lines[0], lines[1]), (factors[0], factors[1]), ratings, sums)
    np.testing.assert_allclose(ratings.precision, factors[0][lines[0]] * factors[1][lines[1]])
    np.testing.assert_allclose(sums[0, :CHAINS], (ratings.precision * ratings.residual).sum(axis=0))
    np.testing.assert_allclose(sums[0, CHAINS:], ratings.precision.sum(axis=0))
    coefficients, squares = random.normal(size=(3, 7, CHAINS)), np.empty((3, 2, CHAINS))
    kernels.group_squares(coefficients, np.array([0, 0, 0, 1, 1, 1, 1], np.int32), squares)
    np.testing.assert_allclose(squares[:, 0], (coefficients[:, :3] ** 2).sum(axis=1))
    np.testing.assert_allclose(squares[:, 1], (coefficients[:, 3:] ** 2).sum(axis=1))


@pytest.mark.parametrize("seed", [0, 2003, 2**32 + 5])
def test_normal_numbers_are_those_of_numpy(seed: int) -> None:
    expected = np.random.RandomState(seed % 2**32).standard_normal(5000)
    found, draws = np.zeros((5000, CHAINS)), NormalDraws.seeded(seed)
    for part in np.split(found, [1, 3, 4, 700, 701]):
        fill_normals(draws, part, 2)
    np.testing.assert_allclose(found[:, 2], expected, rtol=1e-14)


def test_draws_have_the_mean_and_covariance_of_the_exact_posterior() -> None:
    random = np.random.default_rng(1)
    index = random.integers(5, size=60).astype(np.int32)
    block = small_block(random, index, CHAINS)
    design = block.features.toarray()[index]
    target, precision = random.normal(size=60), random.random(60) + 0.5
    block.precision[:] = 2.0
    inverse = np.linalg.inv(design.T @ (precision[:, None] * design) + 2 * np.eye(7))
    exact = inverse @ (design.T @ (precision * target))
    residual = target[:, None] - block.total[0][index]
    ratings = kernels.Ratings(np.repeat(precision[:, None], CHAINS, axis=1), residual)
    normals = [NormalDraws.seeded(3 + chain) for chain in range(CHAINS)]
    draws = []
    for _ in range(20_000):
        block.draw_normals(normals)
        kernels.draw_linear(block.side, ratings)
        draws.append(block.coefficients[0].copy())
    for chain in np.array(draws).transpose(2, 0, 1):
        np.testing.assert_allclose(chain.mean(axis=0), exact, atol=0.03)
        np.testing.assert_allclose(np.cov(chain.T), inverse, atol=0.04)


def test_time_bins_are_drawn_alike_in_one_loop_and_in_two() -> None:
    random, found = np.random.default_rng(4), []
    index = np.sort(random.integers(5, size=60)).astype(np.int32)
    precision, residual = random.random((60, CHAINS)), random.normal(size=(60, CHAINS))
    for kernel in (kernels.draw_runs, kernels.draw_linear):
        block = one_hot(index.astype(np.int64), np.arange(5))
        block.start([random])
        block.draw_normals([NormalDraws.seeded(1)])
        ratings = kernels.Ratings(precision, residual.copy())
        kernel(block.side, ratings)
        found += [block.coefficients.copy(), ratings.residual]
    np.testing.assert_allclose(found[0], found[2])
    np.testing.assert_allclose(found[1], found[3])


@pytest.mark.parametrize("chains", [1, 3])
def test_chains_keep_their_errors_and_totals_current(chains: int) -> None:
    random = np.random.default_rng(2)
    user = small_block(random, random.integers(5, size=80).astype(np.int32))
    movie = small_block(random, random.integers(5, size=80).astype(np.int32))
    stars = random.normal(3, 1, 80)
    chain = Chains(stars, user, movie, [], range(chains))
    for _ in range(20):
        chain.iterate()
    linear = user.total[0][user.index] + movie.total[0][movie.index]
    explained = chain.level + linear + chain.interaction()
    np.testing.assert_allclose(
        chain.residual[:, :chains], (stars[:, None] - explained)[:, :chains], atol=1e-9
    )
    for c in range(CHAINS):
        coefficients = user.coefficients[..., c]
        np.testing.assert_allclose(
            user.total[..., c], (user.features @ coefficients.T).T, atol=1e-9
        )
    # A lane without a chain stays empty.
    assert not chain.residual[:, chains:].any()


def test_a_chain_draws_the_same_beside_others() -> None:
    samples = []
    for seeds in ([5], [4, 5, 6]):
        random = np.random.default_rng(2)
        blocks = [small_block(random, random.integers(5, size=80).astype(np.int32)) for _ in "um"]
        chains = Chains(random.normal(3, 1, 80), blocks[0], blocks[1], [], seeds)
        for _ in range(5):
            chains.iterate()
        samples.append(chains.samples()[seeds.index(5)])
    np.testing.assert_array_equal(samples[0].user, samples[1].user)
    np.testing.assert_array_equal(samples[0].noise[1], samples[1].noise[1])
    assert samples[0].level == samples[1].level


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
