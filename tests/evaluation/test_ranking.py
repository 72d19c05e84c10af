import doctest
from collections.abc import Callable, Iterator
from itertools import permutations
from random import Random

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given as over
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import somersd
from sklearn.metrics import ndcg_score, roc_auc_score
from torchmetrics.functional.retrieval import (
    retrieval_precision,
    retrieval_recall,
    retrieval_reciprocal_rank,
)

from ratecast.errors import InputError
from ratecast.evaluation import ranking
from ratecast.evaluation.ranking import Ranking, UserRankings, bootstraps, least_liked
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.kernels import loops
from ratecast.ratings import Ratings, Scale, checked

F64 = NDArray[np.float64]
# User, rating, forecast.
Row = tuple[int, float, int]
HALF, TEN, PERCENT = Scale(0.5, 5, 0.5), Scale(0, 10), Scale(0, 100, None)
TABLES, K, LIKED = 1_000, 5, 4.0


def table(users: NDArray[np.int64], stars: F64, scale: Scale = HALF) -> Ratings:
    frame = pl.DataFrame({"user": users, "movie": np.arange(len(users)), "rating": stars})
    return checked(Ratings(frame, scale=scale))


def forecast(stars: F64) -> Forecast:
    count = len(stars)
    return Forecast(stars, np.ones((count, 1)), np.zeros(count, int), np.zeros(count, np.int8))


def rankings(
    users: NDArray[np.int64], stars: F64, forecasts: F64, k: int = K, scale: Scale = HALF
) -> UserRankings:
    return UserRankings.of(forecast(forecasts), table(users, stars, scale), k)


def drawn(seed: int, longest: int, *, ties: bool) -> tuple[NDArray[np.int64], F64, F64]:
    """Users, half stars and forecasts of a thousand users; with ties forecasts are half stars."""
    random = np.random.default_rng(seed)
    users = random.permutation(np.repeat(np.arange(TABLES), random.integers(1, longest, TABLES)))
    stars = random.choice(HALF.stars, len(users))
    noisy = stars + random.normal(0, 1.5, len(users))
    return users, stars, HALF.clip(np.round(2 * noisy) / 2) if ties else noisy


def each_user(
    found: UserRankings, users: NDArray[np.int64], *columns: F64
) -> Iterator[tuple[dict[str, float], list[F64]]]:
    """The metrics of each user, and that user's rows of the columns."""
    for line in found.frame.iter_rows(named=True):
        yield line, [column[users == line["user"]] for column in columns]


@pytest.mark.parametrize("ties", [False, True])
def test_ndcg_is_that_of_scikit_learn(ties: bool) -> None:
    users, stars, forecasts = drawn(0, 30, ties=ties)
    found = rankings(users, stars, forecasts)
    counted = 0
    for line, (own, ahead) in each_user(found, users, stars, forecasts):
        if len(np.unique(own)) == 1:
            assert line["ndcg"] is None
            continue
        counted += 1
        assert line["ndcg"] == pytest.approx(ndcg_score([own - 0.5], [ahead], k=K), abs=1e-12)
    assert counted == Ranking.mean(found).users_with_order > 900


def test_recall_precision_and_mrr_are_those_of_torchmetrics() -> None:
    users, stars, forecasts = drawn(1, 30, ties=False)
    found = rankings(users, stars, forecasts)
    for line, (own, ahead) in each_user(found, users, stars, forecasts):
        if not (own >= LIKED).any():
            assert line["recall"] is line["precision"] is line["mrr"] is None
            continue
        given = torch.from_numpy(ahead), torch.from_numpy(own >= LIKED)
        assert line["recall"] == pytest.approx(float(retrieval_recall(*given, top_k=K)))
        assert line["precision"] == pytest.approx(float(retrieval_precision(*given, top_k=K)))
        assert line["mrr"] == pytest.approx(float(retrieval_reciprocal_rank(*given)))


@pytest.mark.parametrize("ties", [False, True])
def test_concordance_is_somers_d(ties: bool) -> None:
    users, stars, forecasts = drawn(2, 30, ties=ties)
    found = rankings(users, stars, forecasts)
    for line, (own, ahead) in each_user(found, users, stars, forecasts):
        if len(np.unique(own)) == 1:
            assert line["concordance"] is None
        elif len(np.unique(ahead)) == 1:
            assert line["concordance"] == 0.5
        else:
            statistic = somersd(own, ahead).statistic
            assert line["concordance"] == pytest.approx((1 + statistic) / 2, abs=1e-12)


def test_concordance_of_two_stars_is_the_area_under_the_curve() -> None:
    users, stars, forecasts = drawn(3, 30, ties=True)
    few = users < 200
    users, stars, forecasts = users[few], np.where(stars >= LIKED, 5.0, 1.0)[few], forecasts[few]
    found = rankings(users, stars, forecasts)
    for line, (own, ahead) in each_user(found, users, stars, forecasts):
        if line["concordance"] is not None:
            assert line["concordance"] == pytest.approx(roc_auc_score(own == 5, ahead))


def by_all_orders(own: F64, ahead: F64, k: int) -> dict[str, float]:
    """The mean over every order of the rows that keeps the forecasts descending."""
    sums, orders = np.zeros(4), 0
    for order in permutations(range(len(own))):
        rows = list(order)
        if (np.diff(ahead[rows]) > 0).any():
            continue
        likes, gains = own[rows] >= LIKED, own[rows] - 0.5
        discounts = 1 / np.log2(np.arange(2, 2 + len(own)))
        best = np.sort(gains)[::-1]
        hits, dcg, ideal = likes[:k].sum(), (gains * discounts)[:k], (best * discounts)[:k]
        sums += hits / likes.sum(), hits / k, 1 / (1 + likes.argmax()), dcg.sum() / ideal.sum()
        orders += 1
    return dict(zip(("recall", "precision", "mrr", "ndcg"), sums / orders, strict=True))


@pytest.mark.parametrize("k", [1, 2, 4])
def test_ties_are_the_mean_over_all_orders(k: int) -> None:
    random = np.random.default_rng(k)
    rows = random.integers(2, 6, 150)
    users = np.repeat(np.arange(150), rows)
    stars = random.choice([1.0, 3.5, 4.0, 5.0], len(users))
    forecasts = random.choice([2.0, 3.0, 4.0], len(users))
    compared = 0
    found = rankings(users, stars, forecasts, k)
    for line, (own, ahead) in each_user(found, users, stars, forecasts):
        if line["mrr"] is not None and line["ndcg"] is not None:
            expected = by_all_orders(own, ahead, k)
            assert {name: line[name] for name in expected} == pytest.approx(expected, abs=1e-12)
            compared += 1
    assert compared > 60


def test_a_long_tie_is_that_of_random_orders() -> None:
    stars = np.repeat([5.0, 1.0], [4, 36])
    line = rankings(np.zeros(40, int), stars, np.full(40, 3.0)).frame.row(0, named=True)
    random = np.random.default_rng(0)
    first = [np.sort(random.permutation(40)[:4])[0] + 1 for _ in range(20_000)]
    assert line["mrr"] == pytest.approx(np.mean(1 / np.array(first)), abs=0.005)
    assert line["recall"] == pytest.approx(K / 40)
    assert line["precision"] == pytest.approx(4 / 40)
    assert line["concordance"] == 0.5


def test_who_counts() -> None:
    users = np.array([1, 2, 2, 3, 3, 3, 4, 4])
    stars = np.array([5.0, 3.0, 3.0, 1.0, 4.0, 5.0, 1.0, 2.0])
    found = Ranking.mean(rankings(users, stars, stars.copy(), k=2))
    assert (found.users, found.users_with_order) == (4, 2)
    assert (found.users_with_liked, found.users_beyond_k) == (2, 1)
    # Users 1 and 3; of user 1's one row precision is one half at most.
    assert (found.recall, found.precision, found.mrr) == (1.0, 0.75, 1.0)
    assert (found.ndcg, found.concordance) == (1.0, 1.0)


def test_no_user_counts() -> None:
    found = Ranking.mean(rankings(np.array([1, 2, 2]), np.full(3, 3.0), np.full(3, 3.0)))
    assert np.isnan([found.ndcg, found.recall, found.precision, found.mrr, found.concordance]).all()
    assert found.users_with_order == found.users_with_liked == 0


@pytest.mark.parametrize(
    ("scale", "liked"),
    [(Scale(1, 5), 4), (HALF, 4), (TEN, 8), (Scale(0, 1, 0.1), 0.8), (PERCENT, 75)],
)
def test_what_is_liked(scale: Scale, liked: float) -> None:
    assert least_liked(scale) == pytest.approx(liked)
    # As stored in single precision.
    at_and_below = np.array([liked, scale.stars[scale.stars < liked - 1e-6][-1]])
    found = Ranking.of(forecast(at_and_below), table(np.zeros(2, int), at_and_below, scale), k=1)
    assert (found.recall, found.precision, found.users_with_liked) == (1, 1, 1)
    least = Ranking.of(
        forecast(at_and_below), table(np.zeros(2, int), at_and_below, scale), 2, at_and_below[1]
    )
    assert least.precision == 1


def test_continuous_ratings() -> None:
    random = np.random.default_rng(4)
    users, stars = np.repeat(np.arange(50), 20), random.uniform(0, 100, 1_000).astype(np.float32)
    forecasts = stars + random.normal(0, 30, 1_000)
    found = rankings(users, stars.astype(np.float64), forecasts, scale=PERCENT)
    for line, (own, ahead) in each_user(found, users, stars.astype(np.float64), forecasts):
        assert line["ndcg"] == pytest.approx(ndcg_score([own], [ahead], k=K), abs=1e-12)
        statistic = somersd(own, ahead).statistic
        assert line["concordance"] == pytest.approx((1 + statistic) / 2, abs=1e-12)


SMALL = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(HALF.stars.tolist()), st.integers(1, 5)),
    min_size=1,
    max_size=24,
)


def of_rows(rows: list[Row], k: int, map_: Callable[[F64], F64]) -> F64:
    users, stars, forecasts = (np.array(column) for column in zip(*rows, strict=True))
    return rankings(users, stars, map_(forecasts.astype(np.float64)), k).values


@over(SMALL, st.integers(1, 8), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_and_the_size_of_the_forecasts_change_nothing(
    rows: list[Row], k: int, random: Random
) -> None:
    values = of_rows(rows, k, lambda forecasts: forecasts)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert np.array_equal(of_rows(shuffled, k, lambda forecasts: forecasts), values, equal_nan=True)
    assert np.array_equal(of_rows(rows, k, np.exp), values, equal_nan=True)
    assert np.array_equal(of_rows(rows, k, lambda f: 1 - 1 / f), values, equal_nan=True)


@over(SMALL, st.integers(1, 8))
def test_values_are_shares_and_the_best_order_is_one(rows: list[Row], k: int) -> None:
    values = of_rows(rows, k, lambda forecasts: forecasts)
    counted = values[~np.isnan(values)]
    assert ((counted >= 0) & (counted <= 1 + 1e-12)).all()
    best = of_rows([(user, stars, round(2 * stars)) for user, stars, _ in rows], k, lambda f: f)
    frame = pl.DataFrame(best, schema=list(ranking.METRICS.values())).fill_nan(None)
    for name in ("ndcg", "mrr", "concordance"):
        assert frame[name].drop_nulls().to_numpy() == pytest.approx(1)


@over(SMALL, st.integers(1, 8))
def test_forecasts_upside_down_turn_concordance_round(rows: list[Row], k: int) -> None:
    values, turned = (of_rows(rows, k, each)[:, 4] for each in (np.positive, np.negative))
    assert (values + turned)[~np.isnan(values)] == pytest.approx(1)


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    users, stars, forecasts = drawn(5, 20, ties=True)
    values = []
    for threads in (1, 3):
        monkeypatch.setattr(loops, "thread_count", lambda threads=threads: threads)
        values.append(rankings(users, stars, forecasts).values)
    assert np.array_equal(values[0], values[1], equal_nan=True)


def test_intervals_hold_the_mean_and_pairs_are_tested() -> None:
    users, stars, forecasts = drawn(6, 30, ties=True)
    worse = forecasts + np.random.default_rng(7).normal(0, 2, len(stars))
    models = [rankings(users, stars, each) for each in (forecasts, worse, worse)]
    found = bootstraps(models, draws=200)
    assert list(found) == ["ndcg", "recall", "precision", "mrr", "concordance"]
    for name, sample in found.items():
        means = [getattr(Ranking.mean(each), name) for each in models]
        assert sample.estimates == pytest.approx(means)
        low, high = sample.intervals().T
        assert ((low < means) & (means < high)).all()
        first, _, same = sample.compare()
        assert first.estimate == pytest.approx(means[0] - means[1])
        assert (first.estimate > 0, same.p) == (True, 1)
        assert first.adjusted >= first.p
    assert found["concordance"].compare()[0].significant


def test_metrics_that_nobody_counts_for_have_no_interval() -> None:
    low = rankings(np.array([1, 1, 2, 2]), np.array([1.0, 2.0, 2.0, 1.0]), np.arange(4.0))
    assert list(bootstraps([low], draws=10)) == ["ndcg", "concordance"]


def test_models_on_other_rows_are_not_compared() -> None:
    users, stars, forecasts = drawn(8, 10, ties=True)
    one, other = (rankings(users, each, forecasts) for each in (stars, stars[::-1].copy()))
    with pytest.raises(InputError, match="different rows, k or liked"):
        bootstraps([one, other])
    with pytest.raises(InputError, match="different rows, k or liked"):
        bootstraps([one, rankings(users, stars, forecasts, k=3)])
    with pytest.raises(InputError, match="no model"):
        bootstraps([])


def test_bad_input() -> None:
    given = table(np.array([1, 1]), np.array([1.0, 5.0]))
    with pytest.raises(InputError, match="ranking: 1 forecasts for 2 ratings"):
        Ranking.of(forecast(np.array([1.0])), given)
    with pytest.raises(InputError, match="ranking: 1 forecasts are missing"):
        Ranking.of(forecast(np.array([1.0, np.nan])), given)
    both = forecast(np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="k is 0; give 1 or more"):
        Ranking.of(both, given, k=0)
    for liked in (0.5, 5.5, np.nan):
        with pytest.raises(InputError, match=f"liked is {liked}; give a rating above 0.5"):
            Ranking.of(both, given, liked=liked)
    with pytest.raises(InputError, match="no rows"):
        Ranking.of(both.take(np.zeros(0, int)), given.take(slice(0, 0)))


def test_users_may_be_words() -> None:
    frame = pl.DataFrame({"user": ["b", "a", "b"], "movie": [1, 1, 2], "rating": [5.0, 4.0, 1.0]})
    found = UserRankings.of(forecast(np.arange(3.0)), checked(Ratings(frame, scale=HALF)))
    assert found.frame["user"].to_list() == ["a", "b"]
    assert found.frame["rows"].to_list() == [1, 2]


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(ranking).failed == 0
