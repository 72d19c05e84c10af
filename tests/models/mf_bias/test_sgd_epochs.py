"""The kernels of SGD beside a plain numpy loop, and the same bits on any thread count."""

from dataclasses import replace

import numba
import numpy as np
import pytest

from ratecast.errors import InputError
from ratecast.modelling.factors.pair_scores import Side32, score_pairs
from ratecast.modelling.kernels.csr import Grouped
from ratecast.modelling.kernels.residual_sums import residual_sums
from ratecast.models.mf_bias.sgd_epochs import DescentSettings, DescentTask, SideL2, descend, rmse
from ratecast.models.mf_bias.stratified_sgd import (
    GROUPS,
    StepSizes,
    Strata,
    copied,
    initial_side,
    run_epoch,
    take_turns,
)
from tests.modelling.kernels.triples import MOVIES, USERS, WIDTH, triples


def strata_of(seed: int = 0) -> Strata:
    users, movies, above = triples(seed)
    by_user = Grouped.of(users, movies, above, USERS)
    return Strata.of(by_user, np.bincount(movies, minlength=MOVIES))


def test_two_users_of_a_block_take_turns() -> None:
    strata, (users, movies, above) = strata_of(), triples()
    assert sorted(zip(*strata.triples, strict=True)) == sorted(
        zip(users, movies, above, strict=True)
    )
    one = np.array([3, 3, 3, 5, 7, 7], np.int32), np.arange(6, dtype=np.int32)
    turned = take_turns((*one, np.arange(6, dtype=np.float32)))
    assert turned[1].tolist() == [0, 3, 1, 4, 2, 5]
    assert turned[0].tolist() == [3, 5, 3, 7, 3, 7]


def drawn(seed: int = 2) -> tuple[Side32, Side32]:
    draw = np.random.default_rng(seed)
    return initial_side(USERS, WIDTH, 0.3, draw), initial_side(MOVIES, WIDTH, 0.3, draw)


def sizes(learning_rate: float, l2: float) -> StepSizes:
    return StepSizes(np.float32(learning_rate), np.float32(l2))


def test_blocks_of_one_stratum_share_nothing() -> None:
    strata = strata_of()
    users, movies, _ = strata.triples
    for turn in range(GROUPS):
        seen: list[tuple[set[int], set[int]]] = []
        for group in range(GROUPS):
            block = group * GROUPS + (group + turn) % GROUPS
            part = slice(strata.edges[block], strata.edges[block + 1])
            mine = set(users[part].tolist()), set(movies[part].tolist())
            assert not any(mine[0] & a or mine[1] & b for a, b in seen)
            seen.append(mine)


def test_an_epoch_takes_the_steps_of_a_plain_loop() -> None:
    strata, (users, movies) = strata_of(), drawn()
    wanted = copied(users), copied(movies)
    rate, decay = 0.05, 0.03
    run_epoch(strata, (users, movies), sizes(rate, decay), np.random.default_rng(3))
    for turn in np.random.default_rng(3).permutation(GROUPS):
        for group in range(GROUPS):
            block = group * GROUPS + (group + turn) % GROUPS
            for i in range(strata.edges[block], strata.edges[block + 1]):
                _plain_step(strata, i, wanted, rate, decay)
    for found, plain in zip((users, movies), wanted, strict=True):
        np.testing.assert_allclose(found.vectors, plain.vectors, atol=2e-5)
        np.testing.assert_allclose(found.biases, plain.biases, atol=2e-5)


def _plain_step(
    strata: Strata, i: int, sides: tuple[Side32, Side32], rate: float, decay: float
) -> None:
    user, movie = strata.triples[0][i], strata.triples[1][i]
    mine, theirs = sides[0].vectors[user].copy(), sides[1].vectors[movie].copy()
    said = sides[0].biases[user] + sides[1].biases[movie] + mine @ theirs
    step = rate * (strata.triples[2][i] - said)
    sides[0].biases[user] += step
    sides[1].biases[movie] += step
    sides[0].vectors[user] = (1 - rate * decay) * mine + step * theirs
    sides[1].vectors[movie] = (1 - rate * decay) * theirs + step * mine


@pytest.mark.threads
def test_any_number_of_threads_gives_the_same_bits() -> None:
    found, all_of_them = [], numba.get_num_threads()
    for threads in (1, all_of_them):
        numba.set_num_threads(threads)
        sides = drawn()
        run_epoch(strata_of(), sides, sizes(0.05, 0.01), np.random.default_rng(0))
        found.append(sides[0].vectors.tobytes() + sides[1].vectors.tobytes())
    assert found[0] == found[1]


def test_sums_and_scores_are_those_of_numpy() -> None:
    users, movies, above = triples()
    biases = np.random.default_rng(6).normal(size=MOVIES)
    wanted = np.bincount(users, above - biases[movies], USERS)
    found = residual_sums(users, USERS, movies, above.astype(np.float64), biases)
    np.testing.assert_allclose(found, wanted, atol=1e-10)
    mine, theirs = drawn()
    mine.biases[:], theirs.biases[:] = 0.5, np.arange(MOVIES)
    scores = np.empty(len(users), np.float32)
    score_pairs((users, movies), mine, theirs, np.float32(0), scores)
    plain = (mine.vectors[users] * theirs.vectors[movies]).sum(axis=1) + 0.5 + movies
    np.testing.assert_allclose(scores, plain, atol=1e-5)


def test_the_best_epoch_of_validation_is_kept() -> None:
    users, movies, _ = triples()
    counts = np.bincount(users, minlength=USERS), np.bincount(movies, minlength=MOVIES)
    task = DescentTask(
        strata=strata_of(),
        counts=counts,
        valid=Grouped.of(*triples(9), USERS),
        l2=(SideL2(1.0, 1.0), SideL2(1.0, 1.0)),
        factors=WIDTH,
        init_std=0.1,
        seed=0,
    )
    settings = DescentSettings(epochs=30, learning_rate=0.1, l2=0.0, patience=2)
    sides, epochs = descend(task, settings)
    assert epochs < 30, "noise has nothing to learn, so more epochs only overfit"
    again, _ = descend(replace(task, valid=None), settings, epochs)
    assert rmse(sides, triples(9)) == rmse(again, triples(9))


def test_the_automatic_rate_goes_as_far_in_few_epochs_as_in_many() -> None:
    travelled = [
        sum(map(settings.learning_rate_after, range(settings.epochs)))
        for settings in (DescentSettings(epochs=10), DescentSettings(epochs=40))
    ]
    # Half a cosine falls from 1 to 0: half of rate x epochs, and half of the first step.
    assert travelled == pytest.approx([0.25 + 0.025, 0.25 + 0.00625])
    assert DescentSettings(epochs=1).learning_rate_after(0) == 0.06
    with pytest.raises(InputError, match="auto"):
        DescentSettings(learning_rate="fast")  # type: ignore[arg-type]
