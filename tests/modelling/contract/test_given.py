"""The last rating of each pair, compared with a plain dictionary."""

from itertools import pairwise

import numpy as np
import polars as pl

from ratecast.arrays import I64
from ratecast.modelling.contract.given import GivenRatings
from ratecast.modelling.contract.rows import Rows
from ratecast.ratings import Ratings, Scale

USERS, MOVIES = 40, 30


def drawn(count: int, seed: int, timed: bool = False) -> Rows:
    random = np.random.default_rng(seed)
    users, movies = random.integers(1, USERS, count), random.integers(1, MOVIES, count)
    stars = random.integers(-2, 3, count).astype(np.float32)
    frame = pl.DataFrame({"user": users, "movie": movies, "rating": stars})
    if timed:
        frame = frame.with_columns(at=random.permutation(count))
    table = Ratings(frame, scale=Scale(-2, 2, 1))
    return Rows(users.astype(np.int32), movies.astype(np.int32), table)


def pairs_of(rows: Rows) -> list[tuple[int, int]]:
    return list(zip(rows.users.tolist(), rows.movies.tolist(), strict=True))


def plainly(last: dict[tuple[int, int], float], rows: Rows, edges: I64) -> list[float]:
    """The former stars of each row; a row that comes again in its group has its own."""
    former = [np.nan] * len(rows)
    pairs, stars = pairs_of(rows), rows.stars.tolist()
    for start, stop in pairwise(edges.tolist()):
        for i in range(start, stop):
            is_last = pairs[i] not in pairs[i + 1 : stop]
            former[i] = last.get(pairs[i], np.nan) if is_last else stars[i]
        last |= {pairs[i]: stars[i] for i in range(start, stop)}
    return former


def test_former_ratings_are_those_of_a_dictionary() -> None:
    train = drawn(500, seed=0)
    given = GivenRatings.of(train, USERS // 2 + 20, MOVIES)
    last = dict(zip(pairs_of(train), train.stars.tolist(), strict=True))
    for seed, step in ((1, 1), (2, 5), (3, 400)):
        rows, edges = drawn(400, seed), np.arange(0, 401, step)
        if step == 400:
            gone = list(last)[::3]
            users, movies = (np.array(side, np.int32) for side in zip(*gone, strict=True))
            given.remove(users, movies)
            last = {pair: stars for pair, stars in last.items() if pair not in gone}
        expected = plainly(last, rows, edges)
        former = given.add(rows, edges)
        np.testing.assert_array_equal(former, np.array(expected, np.float32))
        # What is saved is the same, once for each pair.
        arrays = given.arrays()
        assert len(arrays["given.stars"]) == len(last)
        restored = GivenRatings.of_arrays(dict(arrays))
        again = drawn(300, seed + 10)
        wanted = np.array([last.get(pair, np.nan) for pair in pairs_of(again)], np.float32)
        kept = np.array(
            [pair not in pairs_of(again)[k + 1 :] for k, pair in enumerate(pairs_of(again))]
        )
        found = restored.add(again, np.array([0, 300]))
        np.testing.assert_array_equal(found[kept], wanted[kept])


def test_of_train_the_latest_rating_of_a_pair_is_the_last_one() -> None:
    train = drawn(600, seed=4, timed=True)
    given = GivenRatings.of(train, USERS, MOVIES)
    order = np.argsort(train.table.frame["at"].to_numpy())
    pairs, stars = pairs_of(train), train.stars
    last = {pairs[row]: float(stars[row]) for row in order}
    users, movies = (np.array(side, np.int32) for side in zip(*last, strict=True))
    frame = pl.DataFrame({"user": users, "movie": movies, "rating": np.float32(9.0)})
    new = Rows(users, movies, Ratings(frame, scale=Scale(-2, 9, 1)))
    former = given.add(new, np.arange(len(new) + 1))
    assert former.tolist() == list(last.values())


def test_without_ratings_there_is_no_former_one() -> None:
    given, rows = GivenRatings.of_arrays({}), drawn(50, seed=5)
    first = given.add(rows, np.array([0, 50]))
    assert np.isnan(first).sum() == len(set(pairs_of(rows)))
    assert given.add(rows.take(slice(0, 0)), np.array([0])).tolist() == []
