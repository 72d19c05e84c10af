import doctest
from collections import Counter
from itertools import combinations
from math import isnan, log2, sqrt

import numpy as np
import polars as pl
import pytest

import ratecast as rc
from ratecast.errors import InputError
from ratecast.evaluation import list_quality
from ratecast.evaluation.co_ratings import CoRatings
from ratecast.evaluation.list_quality import ListQuality, UserLists
from ratecast.modelling.contract.model import Model
from ratecast.modelling.kernels import loops
from ratecast.ratings import Ratings, checked
from ratecast.splits import Split

N = 4


@pytest.fixture(scope="module")
def split() -> Split:
    """Of 40 movies, 5 are rated in test alone."""
    split = rc.kfold(rc.example_ratings(rows=700), folds=3)[0]
    return Split(split.name, split.train.take(split.train.frame["movie"] > 5), None, split.test)


@pytest.fixture(scope="module", params=[rc.ALS, rc.Bias])
def fitted(request: pytest.FixtureRequest, split: Split) -> Model:
    settings = {"factors": 2} if request.param is rc.ALS else {}
    model: Model = request.param(**settings).fit(split.train)
    return model


def raters(train: Ratings) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for user, movie in train.frame.select("user", "movie").iter_rows():
        found.setdefault(movie, set()).add(user)
    return found


def lists_of(model: Model, split: Split) -> dict[int, list[int]]:
    users = sorted(set(split.train.frame["user"]))
    top = rc.top_n(model, users, n=N, rated=split.train)
    return {user: top.filter(pl.col("user") == user)["movie"].to_list() for user in users}


def test_all_figures_are_those_of_plain_loops(fitted: Model, split: Split) -> None:
    found, lists, by_movie = (
        ListQuality.of(fitted, split, N),
        lists_of(fitted, split),
        raters(split.train),
    )
    users = len(set(split.train.frame["user"]))
    share = {movie: len(who) / users for movie, who in by_movie.items()}
    train = split.train.frame.select("user", "movie").rows()
    rated = {user: [share[movie] for other, movie in train if other == user] for user in lists}
    assert found.lists == users
    assert found.short_lists == sum(len(movies) < N for movies in lists.values())

    each = lists.values()
    novelty = np.mean([np.mean([-log2(share[movie]) for movie in movies]) for movies in each])
    popularity = np.mean([np.mean([share[movie] for movie in movies]) for movies in each])
    own = np.mean([np.mean(shares) for shares in rated.values()])
    assert (found.novelty, found.popularity) == pytest.approx((novelty, popularity))
    assert found.popularity_lift == pytest.approx(popularity / own - 1)

    def unlike(movies: list[int]) -> float:
        both = [(by_movie[a], by_movie[b]) for a, b in combinations(movies, 2)]
        return float(np.mean([1 - len(a & b) / sqrt(len(a) * len(b)) for a, b in both]))

    assert found.diversity == pytest.approx(np.mean([unlike(movies) for movies in each]))

    exposure = Counter(movie for movies in each for movie in movies)
    assert found.catalogue_coverage == pytest.approx(len(exposure) / len(by_movie))
    counts = [exposure[movie] for movie in by_movie]
    # The mean difference of all pairs, over twice the mean.
    gaps = [abs(a - b) for a, b in combinations(counts, 2)]
    assert found.gini == pytest.approx(np.mean(gaps) / (2 * np.mean(counts)))

    pairs = split.test.frame.filter(pl.col("rating") >= 4).select("user", "movie").rows()
    later: dict[int, set[int]] = {}
    for user, movie in pairs:
        if user in lists and movie in by_movie and (user, movie) not in train:
            later.setdefault(user, set()).add(movie)
    recall = [len(movies & set(lists[user])) / len(movies) for user, movies in later.items()]
    assert found.recall == pytest.approx(np.mean(recall))
    assert found.users_with_liked == len(later) < users


def test_a_list_of_what_everybody_rated() -> None:
    """Two movies that both users of train rated, and a third that one of them rated."""
    frame = pl.DataFrame(
        {"user": [1, 1, 2, 2, 2], "movie": [1, 2, 1, 2, 3], "rating": [5.0, 1, 5, 1, 5]}
    )
    train = checked(Ratings(frame))
    split = Split("own", train, None, train.take(slice(4, 5)))
    each = UserLists.of(rc.Mean().fit(train), split, n=2)
    assert each.lists.select("user", "movie", "rank").rows() == [(1, 3, 1)]
    found = ListQuality.mean(each)
    assert (found.lists, found.short_lists) == (1, 1)
    assert (found.novelty, found.popularity) == (1.0, 0.5)
    assert found.popularity_lift == -0.5
    assert found.catalogue_coverage == pytest.approx(1 / 3)
    assert found.gini == 1
    # One list of one movie has no pair; user 2's only liked row of test is in train.
    assert isnan(found.diversity)
    assert isnan(found.recall)
    assert found.users_with_liked == 0


def test_a_movie_without_ratings_is_as_new_as_one_with_a_single_one() -> None:
    movies = pl.DataFrame({"movie": [1, 2, 3], "genres": [["a"], ["b"], ["a"]]})
    frame = pl.DataFrame({"user": [1, 2, 2], "movie": [1, 1, 2], "rating": [5.0, 4, 2]})
    train = checked(Ratings(frame, movies))
    split = Split("own", train, None, train)
    each = UserLists.of(rc.FactorizationMachine(iterations=4, burn_in=2).fit(train), split, n=3)
    assert 3 in each.lists["movie"]
    listed = each.frame.filter(pl.col("user") == 2).row(0, named=True)
    assert (listed["movies"], listed["novelty"]) == (1, 1.0)
    assert ListQuality.mean(each).catalogue_coverage == pytest.approx(2 / 3)


def test_lists_of_some_users(fitted: Model, split: Split) -> None:
    every, some = (UserLists.of(fitted, split, N, users=users) for users in (None, [3, 7, 3]))
    assert some.frame["user"].to_list() == [3, 7]
    expected = every.frame.filter(pl.col("user").is_in([3, 7]))
    assert some.frame.drop("user").to_numpy() == pytest.approx(
        expected.drop("user").to_numpy(), nan_ok=True
    )


def test_diversity_of_many_lists_is_that_of_a_sample(
    fitted: Model, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = UserLists.of(fitted, split, N).frame["diversity"]
    monkeypatch.setattr(list_quality, "SAMPLE", 20)
    some, again = (UserLists.of(fitted, split, N).frame["diversity"] for _ in range(2))
    assert (some.count(), every.count()) == (20, len(every))
    assert some.equals(again)
    assert every.filter(some.is_not_null()).to_numpy() == pytest.approx(
        some.drop_nulls().to_numpy()
    )


def test_words_as_ids_give_the_same_figures(split: Split) -> None:
    def worded(part: Ratings) -> Ratings:
        pad = [
            pl.format("w{}", pl.col(name).cast(pl.String).str.zfill(3))
            for name in ("user", "movie")
        ]
        frame = part.frame.with_columns(user=pad[0], movie=pad[1])
        return checked(Ratings(frame, scale=part.scale))

    words = Split("own", worded(split.train), None, worded(split.test))
    first, second = (ListQuality.of(rc.Bias().fit(each.train), each, N) for each in (split, words))
    assert vars(first) == pytest.approx(vars(second))


def test_cosines_are_those_of_the_sets_of_raters(monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = rc.example_ratings()
    sets = raters(ratings)
    pairs = [(a, b) for a in range(1, 41) for b in range(1, 41)] * 3
    first, second = (pl.Series(column) for column in zip(*pairs, strict=True))
    expected = [len(sets[a] & sets[b]) / sqrt(len(sets[a]) * len(sets[b])) for a, b in pairs]
    monkeypatch.setattr(loops, "MANY", 10)
    monkeypatch.setattr(loops, "thread_count", lambda: 3)
    found = CoRatings.of(ratings, first).cosines(first, second)
    assert found == pytest.approx(expected)
    nobody = CoRatings.of(ratings, pl.Series([1, 99]))
    assert nobody.cosines(pl.Series([1, 99]), pl.Series([99, 99])).tolist() == [0, 0]


def test_bad_input(fitted: Model, split: Split) -> None:
    with pytest.raises(InputError, match="no later part 'valid'; give one of test"):
        ListQuality.of(fitted, split, part="valid")
    with pytest.raises(InputError, match="no later part 'train'"):
        ListQuality.of(fitted, split, part="train")
    with pytest.raises(InputError, match="0 movies for each user"):
        ListQuality.of(fitted, split, 0)
    with pytest.raises(InputError, match="liked is 6; give a rating above 1"):
        UserLists.of(fitted, split, liked=6)
    other = Split("own", split.test, None, split.test)
    with pytest.raises(InputError, match="not fitted on exactly the train part"):
        ListQuality.of(fitted, other)


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(list_quality).failed == 0


def test_one_list_is_measured_on_every_later_part() -> None:
    split = rc.chronological(rc.example_ratings())
    model = rc.Bias().fit(split.train)
    found = ListQuality.by_part(model, split, N)
    assert found == {part: ListQuality.of(model, split, N, part=part) for part in ("valid", "test")}
    assert found["valid"].recall != found["test"].recall


def test_of_many_users_the_same_few_are_drawn_for_every_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    split = rc.chronological(rc.example_ratings())
    movies = split.train.frame["movie"].n_unique()
    drawn: list[list[int]] = []
    plain = UserLists.by_part

    def spied(*given: object, **more: object) -> dict[str, UserLists]:
        drawn.append(more["users"].to_list())  # type: ignore[attr-defined]
        return plain(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(UserLists, "by_part", spied)
    for least, most, pairs, count in ((2, 9, 7 * movies, 7), (2, 5, 7 * movies, 5), (9, 9, 1, 9)):
        monkeypatch.setattr(list_quality, "USERS", (least, most))
        monkeypatch.setattr(list_quality, "PAIRS", pairs)
        drawn.clear()
        for model in (rc.Bias(), rc.ALS(factors=2)):
            assert ListQuality.by_part(model.fit(split.train), split)["test"].lists == count
        assert drawn[0] == drawn[1]
