"""The models of the frozen protocols: kernels against plain numpy, and planted answers."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from ratecast.errors import InputError
from ratecast.modelling.contract.rows import Expected
from ratecast.modelling.history.movie_residuals import News
from ratecast.modelling.history.user_batches import APART
from ratecast.modelling.side_information.labels import Labels
from ratecast.models import MODELS, load_model, model_class
from ratecast.models.blend import HEARD, STRANGERS, Blend
from ratecast.models.cold_start.mixed_model import Kinds, fit_mixed, groups
from ratecast.models.cold_start.model import ColdStart
from ratecast.models.factorization_machine import gibbs_kernel as kernels
from ratecast.models.factorization_machine.features import normed
from ratecast.models.factorization_machine.fold_in import follow as fold
from ratecast.models.factorization_machine.model import FactorizationMachine
from ratecast.models.factorization_machine.ordinal_latent import Latent
from ratecast.models.factorization_machine.sampler import Block, Chain
from ratecast.models.gaussian_process.conditioning import follow
from ratecast.models.gaussian_process.em import ByUser, learn
from ratecast.models.gaussian_process.model import GaussianProcess
from ratecast.ratings import Ratings, Requests, checked
from ratecast.splits import chronological
from tests.planted import planted

FROZEN = ("factorization_machine", "gaussian_process", "cold_start", "blend")


def with_sides(table: Ratings) -> Ratings:
    users = pl.DataFrame({"user": range(1, 61), "age": [20 + k % 40 for k in range(60)]})
    users = users.with_columns(
        gender=pl.when(pl.col("user") % 2 == 0).then(pl.lit("F")).otherwise(pl.lit("M")),
        zip=pl.col("user").cast(pl.String),
    )
    genres = [["Comedy"], ["Drama", "War"], []]
    movies = pl.DataFrame(
        {
            "movie": range(1, 41),
            "year": [None if k == 3 else 1950 + k for k in range(40)],
            "genres": [genres[k % 3] for k in range(40)],
        }
    )
    return replace(table, users=users, movies=movies)


def rmse(model_stars: np.ndarray, given: np.ndarray) -> float:
    return float(np.sqrt(np.mean((model_stars - given) ** 2)))


def small_block(random: np.random.Generator, index: np.ndarray) -> Block:
    features = sp.csc_array(random.normal(size=(5, 7)) * (random.random((5, 7)) < 0.6))
    block = Block(features, np.array([0, 0, 0, 1, 1, 1, 1], np.int32), index, 2)
    block.start(random)
    return block


def test_gather_and_settle_equal_plain_sums() -> None:
    random = np.random.default_rng(0)
    index = random.integers(5, size=40).astype(np.int32)
    times, trust, error = random.normal(size=40), random.random(40), random.normal(size=40)
    sums = np.empty((2, 5))
    kernels.gather(index, times, trust, error, sums)
    np.testing.assert_allclose(sums[0], np.bincount(index, trust * error * times, 5))
    np.testing.assert_allclose(sums[1], np.bincount(index, trust * times**2, 5))
    step, expected = random.normal(size=5), error.copy()
    kernels.settle(index, times, step, error)
    np.testing.assert_allclose(error, expected - step[index] * times)


def test_draws_have_the_mean_and_spread_of_the_exact_posterior() -> None:
    random = np.random.default_rng(1)
    index = random.integers(5, size=60).astype(np.int32)
    block = small_block(random, index)
    design = block.features.toarray()[index]
    target, trust, ones = random.normal(size=60), random.random(60) + 0.5, np.ones(60)
    block.precision = np.full((3, 2), 2.0)
    inverse = np.linalg.inv(design.T @ (trust[:, None] * design) + 2 * np.eye(7))
    exact = inverse @ (design.T @ (trust * target))
    error = target - block.total[0][index]
    kernels.seed_kernels(3)
    draws = []
    for _ in range(20_000):
        block.draw_factor(0, ones, trust, error)
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
        chain.sweep()
    linear = user.total[0][user.index] + movie.total[0][movie.index]
    np.testing.assert_allclose(
        chain.error, stars - chain.level - linear - chain._product(), atol=1e-9
    )
    np.testing.assert_allclose(user.total, (user.features @ user.coefficients.T).T, atol=1e-9)


def test_bfm_recovers_a_planted_product_of_factors() -> None:
    random = np.random.default_rng(0)
    p, q = random.normal(size=(80, 2)), random.normal(size=(50, 2))
    user, movie = np.repeat(np.arange(80), 50), np.tile(np.arange(50), 80)
    stars = 3 + 0.5 * (p[user] * q[movie]).sum(axis=1) + random.normal(0, 0.1, 4000)
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars.astype(np.float32)})
    held = random.random(4000) < 0.3
    table = replace(planted(), frame=frame)
    model = FactorizationMachine(factors=3, chains=1).fit(table.take(~held))
    rows = model.encode(table.take(held))
    assert rmse(model.predict_rows(rows).mean, stars[held]) < 0.25


def test_sets_are_normed_and_a_stranger_has_their_mean() -> None:
    pairs = sp.csr_array(np.array([[0, 0, 0], [0, 1, 1], [0, 1, 0]], float))
    lines = normed(pairs).toarray()
    np.testing.assert_allclose(lines[1], [0.5**0.5, 0.5**0.5])
    np.testing.assert_allclose(lines[0], (2 * lines[1] + lines[2]) / 3)


def test_gp_without_learning_is_plain_conditioning() -> None:
    table = planted(rows=300)
    model = GaussianProcess(iterations=0, timed=False).fit(table)
    rows = model.encode(table)
    kernel = 0.17 + 0.06 * np.eye(len(model.movies) - 1)
    mine = rows.users == rows.users[0]
    heard, mean = rows.movies[mine] - 1, table.stars.mean(dtype=np.float64)
    covariance = kernel[np.ix_(heard, heard)] + 0.6 * np.eye(len(heard))
    weights = np.linalg.solve(covariance, table.stars[mine] - mean)
    expected = mean + kernel[np.ix_(heard, heard)] @ weights
    np.testing.assert_allclose(model.predict_rows(rows).mean[mine], expected, atol=1e-4)


def test_gp_rounds_raise_the_likelihood() -> None:
    random = np.random.default_rng(0)
    users, movies = (
        np.repeat(np.arange(1, 81), 10),
        np.concatenate([random.permutation(20)[:10] for _ in range(80)]),
    )
    taste = random.normal(size=(81, 2)) @ random.normal(size=(2, 20))
    stars = (taste[users, movies] + random.normal(0, 0.3, 800)).astype(np.float32)
    history = ByUser.of(users.astype(np.int32), movies.astype(np.int32), stars, None)
    prior = (0.1 + 0.5 * np.eye(20)).astype(np.float32)

    def surprise(rounds: int) -> float:
        state = learn(history, prior, GaussianProcess(iterations=rounds, timed=False))
        total = 0.0
        for part in history.by_user():
            heard = history.movies[part]
            a = state.covariance[np.ix_(heard, heard)] + state.variances[0] * np.eye(10)
            r = stars[part] - state.offset[heard]
            total += float(np.linalg.slogdet(a)[1] + r @ np.linalg.solve(a, r))
        return total

    assert surprise(8) < surprise(2) < surprise(0)


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


def test_the_ordered_probit_recovers_planted_cuts() -> None:
    random = np.random.default_rng(0)
    forecast = random.normal(3, 1, 6000)
    cuts = np.array([1.5, 2.0, 3.4, 4.5])
    star = np.searchsorted(cuts, forecast + random.normal(0, 0.7, 6000))
    latent = Latent(star, np.arange(1.0, 6.0), random)
    trust = np.full(6000, 0.7**-2)
    for _ in range(150):
        value = latent.draw(forecast, trust)
    np.testing.assert_allclose(latent.cuts, cuts, atol=0.08)
    assert (np.searchsorted(latent.cuts, value) == star).all()
    assert np.std(value - forecast) == pytest.approx(0.7, abs=0.05)
    assert (np.diff(latent.points()) > 0).all()


@pytest.mark.parametrize("half", [False, True])
def test_bfm_as_ordered_probit(half: bool, tmp_path: Path) -> None:
    split = chronological(planted(half=half, rows=3000))
    quick: dict[str, Any] = {"chains": 1, "iterations": 60, "factors": 2}
    model = FactorizationMachine(likelihood="ordinal", **quick).fit(split.train, split.valid)
    normal = FactorizationMachine(**quick).fit(split.train, split.valid)
    asked, given = split.test.requests(), split.test.stars
    ordinal, regression = model.predict(asked).stars, normal.predict(asked).stars
    assert rmse(ordinal, given) < rmse(regression, given) + 0.02
    assert 0 < rmse(ordinal, regression) < 0.2
    model.walk(split.test)
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact").predict(asked).stars
    np.testing.assert_array_equal(again, model.predict(asked).stars)


def test_gp_hears_as_plain_conditioning_in_time() -> None:
    random = np.random.default_rng(0)
    root = random.normal(size=(9, 9))
    process = (root @ root.T).astype(np.float32)
    movies, above = random.integers(9, size=14), random.normal(size=14)
    at = np.sort(random.integers(5, size=14)) * 3000
    at[0] = APART
    moment = np.searchsorted(np.unique(at), at)
    moment[moment < 2] = -1
    variances, fading = np.array([0.5, 0.2, 0.3, 0.4]), np.array([900.0])
    mean, variance = follow(
        (np.array([0, 14]), movies, above, at, moment),
        (process, process[:0], np.zeros(0, np.float32)),
        (variances, fading),
    )
    seconds = np.maximum(at, 0)
    gap = np.abs(seconds[:, None] - seconds[None, :])
    times = 0.2 * (gap == 0) + 0.3 + 0.4 * np.exp(-gap / 900)
    times[0] = times[:, 0] = 0
    times[0, 0] = 0.9
    whole = process[np.ix_(movies, movies)] + times
    for row in np.flatnonzero(moment >= 0):
        heard = moment < moment[row]
        inverse = np.linalg.inv(whole[np.ix_(heard, heard)] + 0.5 * np.eye(heard.sum()))
        cross = whole[row, heard]
        assert mean[row] == pytest.approx(cross @ inverse @ above[heard], abs=1e-5)
        left = whole[row, row] + 0.5 - cross @ inverse @ cross
        assert variance[row] == pytest.approx(left, abs=1e-5)


def test_gp_takes_up_movies_that_it_never_met() -> None:
    """One after the other or at once, with the same bits; the covariance stays one."""
    table = with_sides(planted())
    some = table.frame["movie"].to_numpy() <= 30
    model = GaussianProcess().fit(table.take(some))
    others = table.take(~some)
    one, other = copy.deepcopy(model), copy.deepcopy(model)
    one.observe(others)
    for row in range(40):
        other.observe(others.take(slice(row, row + 1)))
    other.observe(others.take(slice(40, None)))
    assert len(one.movies) == 41
    np.testing.assert_array_equal(one._covariance, other._covariance)
    np.testing.assert_allclose(one._covariance, one._covariance.T, atol=1e-6)
    noisy = one._covariance + one._variances[0] * np.eye(40)
    assert np.linalg.eigvalsh(noisy).min() > 0.5 * one._variances[0]


def test_gp_says_when_there_are_too_many_movies() -> None:
    with pytest.raises(InputError, match="max_movies"):
        GaussianProcess(max_movies=10).fit(planted())


def test_mixed_model_equals_the_normal_equations() -> None:
    random = np.random.default_rng(0)
    user, movie = random.integers(6, size=60), random.integers(5, size=60)
    genres = sp.csr_array((random.random((5, 3)) < 0.5).astype(float)[movie])
    people = {"gender": (user % 2, 2)}
    kinds = Kinds(user, movie, people, genres, (movie % 2, 2), (6, 5))
    stars, weight = random.normal(3, 1, 60), random.random(60) + 0.5
    mixed = fit_mixed(kinds, stars, weight, sweeps=400)
    weight = weight / weight.mean()
    found = groups(kinds)
    design = np.hstack([group.features.toarray() for group in found.values()])
    ridge = np.concatenate([np.full(g.features.shape[1], g.ridge) for g in found.values()])
    gram = design.T @ (weight[:, None] * design) + np.diag(ridge)
    exact = np.linalg.solve(gram, design.T @ (weight * (stars - mixed.level)))
    ours = np.concatenate(list(mixed.coefficients.values()))
    np.testing.assert_allclose(ours, exact, atol=1e-6)


def test_cold_never_looks_at_the_users_own_ratings() -> None:
    table = with_sides(planted())
    model = ColdStart().fit(table)
    known = model.predict(Requests.of([1], [1], at=2_000_000))
    same_kind = Requests(
        pl.DataFrame({"user": [999], "movie": [1]}),
        users=table.users.filter(pl.col("user") == 1).with_columns(user=pl.lit(999, pl.Int64)),
    )
    np.testing.assert_allclose(known.stars, model.predict(same_kind).stars)


def test_labels_not_met_in_train_count_as_absent() -> None:
    side = with_sides(planted()).movies
    labels = Labels.of(side)
    other = pl.DataFrame({"movie": [99], "year": [1890], "genres": [["Opera", "War"]]})
    matrices = labels.matrices(other)
    assert matrices["year"].nnz == 0
    assert matrices["genres"].toarray().sum() == pytest.approx(0.5**0.5)


@pytest.mark.parametrize("name", FROZEN)
def test_side_information_of_a_stranger_is_used(name: str, tmp_path: Path) -> None:
    split = chronological(with_sides(planted()))
    model = model_class(name)().fit(split.train)
    asked = Requests(
        pl.DataFrame({"user": [999, 999, 998], "movie": [999, 1, 999], "at": [9_000_000] * 3}),
        movies=pl.DataFrame({"movie": [999], "year": [1960], "genres": [["Drama"]]}),
        users=pl.DataFrame({"user": [999], "age": [30], "gender": ["F"], "zip": ["9"]}),
    )
    stars = model.predict(asked).stars
    assert np.isfinite(stars).all()
    model.save(tmp_path / "artifact")
    np.testing.assert_array_equal(load_model(tmp_path / "artifact").predict(asked).stars, stars)


def test_all_are_in_the_table() -> None:
    assert set(FROZEN) <= set(MODELS)


@pytest.mark.parametrize(
    ("name", "band"), [("gaussian_process", 0.1), ("factorization_machine", 0.15), ("blend", 0.1)]
)
def test_hearing_agrees_with_a_refit(name: str, band: float) -> None:
    split = chronological(planted(rows=4000, seed=1))
    held = split.train.frame["user"] == split.train.frame["user"][0]
    told = model_class(name)().fit(split.train.take(~held))
    asked = split.test.take(split.test.frame["user"] == split.train.frame["user"][0]).requests()
    stranger = told.predict(asked).stars
    told.observe(split.train.take(held))
    refitted = model_class(name)().fit(split.train).predict(asked).stars
    assert rmse(told.predict(asked).stars, refitted) < band < rmse(stranger, refitted)


def test_news_are_damped_means_of_surprises_before_the_moment() -> None:
    news = News.none(3, 4.0)
    expected = Expected(np.full(4, 3.0))
    movies, stars = np.array([1, 1, 2, 1], np.int32), np.array([5, 4, 1, 3], np.float32)
    said = news.heard(expected, movies, stars, np.array([0, 1, 4])).mean
    np.testing.assert_allclose(said, [3, 3 + 2 / 5, 3, 3 + 2 / 5])
    said = news.added(expected, np.array([0, 1, 2, 1], np.int32)).mean
    np.testing.assert_allclose(said, [3, 3 + 3 / 7, 3 - 2 / 5, 3 + 3 / 7])


def test_cold_hears_of_movies_and_not_of_users() -> None:
    table = with_sides(planted())
    model = ColdStart().fit(table)
    asked = Requests.of([1, 1], [1, 2])
    before = model.predict(asked).stars
    low = table.frame.filter(pl.col("user") == 1).head(1)
    low = low.with_columns(movie=pl.lit(1, pl.Int64), rating=pl.lit(1.0, low["rating"].dtype))
    model.observe(replace(table, frame=low))
    after = model.predict(asked).stars
    assert after[0] < before[0]
    assert after[1] == before[1]


@pytest.mark.parametrize("name", FROZEN)
def test_new_labels_and_ids_heard_survive_the_artifact(name: str, tmp_path: Path) -> None:
    split = chronological(with_sides(planted()))
    model = model_class(name)().fit(split.train)
    heard = Ratings(
        pl.DataFrame({"user": [70, 71, 70], "movie": [50, 51, 1], "rating": [5.0, 1.0, 4.0]}),
        movies=pl.DataFrame({"movie": [50], "year": [1890], "genres": [["Opera", "War"]]}),
        users=pl.DataFrame({"user": [70], "age": [99], "gender": ["X"], "zip": ["Z"]}),
        scale=split.train.scale,
    )
    model.observe(checked(heard))
    asked = Requests.of([70, 71, 72, 1], [50, 51, 50, 51], at=9_000_000)
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact").predict(asked)
    np.testing.assert_array_equal(again.probabilities, model.predict(asked).probabilities)


def test_the_parts_of_a_blend_keep_step() -> None:
    split = chronological(planted())
    model = Blend(chains=1, iterations=30).fit(split.train)
    model.walk(split.test)
    for part in model._parts.values():
        assert part.users.table.equals(model.users.table)
        assert part.movies.table.equals(model.movies.table)
    assert all(HEARD.get(name, 0) + STRANGERS.get(name, 0) > 0 for name in model._parts)


def test_a_blend_without_room_for_gp_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(GaussianProcess, "max_movies", 10)
    table = planted()
    model = Blend(chains=1, iterations=30).fit(table)
    assert "gaussian_process" not in model._parts
    assert [record.message for record in caplog.records] == [
        "blend: 40 movies are more than gaussian_process holds; its share goes to the other parts"
    ]
    model.observe(table.take(slice(0, 5)))
    model.save(tmp_path / "artifact")
    asked = table.requests()
    again = load_model(tmp_path / "artifact").predict(asked).stars
    np.testing.assert_array_equal(again, model.predict(asked).stars)
    assert len(caplog.records) == 1
