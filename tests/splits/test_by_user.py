"""Splits of each user's ratings and of the users, on tables where the right rows are known."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ratecast as rc
from ratecast.audit import audit, leaks
from tests.splits.tables import movies, of_users

# User 0 has rows 0 3 6 9, user 1 has 1 4 7, user 2 has 2 5.
MIXED = [0, 1, 2, 0, 1, 2, 0, 1, 0, 0]


def test_the_last_ratings_of_each_user_are_held_out() -> None:
    users = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 2, 2]
    split = rc.last_ratings(of_users(users), 1)
    assert movies(split.test) == [7, 9, 11]
    assert movies(split.valid) == [4, 6, 10]
    assert split.remarks == ()
    assert leaks(split, of_users(users)) == []


def test_a_user_of_whom_train_would_have_none_stays_in_train() -> None:
    table = of_users([0, 0, 0, 1, 1])
    split = rc.last_ratings(table, 1)
    assert movies(split.test) == [2]
    assert movies(split.train) == [0, 3, 4]
    assert split.remarks == ("1 users have too few ratings to hold some out; theirs are in train",)


def test_a_share_of_each_user_is_rounded_up() -> None:
    table = of_users([0] * 10 + [1] * 5)
    split = rc.last_ratings(table, share=0.2)
    assert movies(split.test) == [8, 9, 14]
    assert movies(split.valid) == [6, 7, 13]


def test_of_equal_times_the_first_in_the_table_is_the_earlier() -> None:
    table = of_users([0] * 6)
    frame = table.frame.sort("movie").with_columns(at=1_000_000_000 + 0 * table.frame["at"])
    split = rc.last_ratings(frame, 2)
    assert [movies(part) for part in split.parts.values()] == [[0, 1], [2, 3], [4, 5]]


def test_one_of_each_user_is_left_out() -> None:
    table = of_users([0] * 5 + [1] * 3 + [2] * 2, timed=False)
    split = rc.leave_one_out(table, seed=4)
    assert sorted(split.test.frame["user"].to_list()) == [0, 1]
    assert split.valid is not None
    assert sorted(split.valid.frame["user"].to_list()) == [0, 1]
    assert leaks(split, table) == []
    assert movies(rc.leave_one_out(table, seed=4).test) == movies(split.test)
    drawn = {tuple(movies(rc.leave_one_out(table, seed=k).test)) for k in range(20)}
    assert len(drawn) > 3


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 12), min_size=60, max_size=150),
    st.integers(0, 3),
    st.integers(0, 5),
    st.booleans(),
)
def test_new_users_have_what_is_given_in_train_and_no_more(
    users: list[int], first: int, seed: int, timed: bool
) -> None:
    # A user with nobody beside, or with too little, would leave a part empty.
    table = of_users([*range(13), *range(13)] * 2 + users, timed=timed)
    split = rc.new_users(table, 0.3, first, seed)
    assert leaks(split, table) == []
    for part in (split.valid, split.test):
        if part is not None:
            mine = split.train.frame["user"].is_in(part.frame["user"].unique().implode())
            assert mine.sum() == first * part.frame["user"].n_unique()


def test_the_folds_of_users_cover_the_table_but_for_what_is_given() -> None:
    table = of_users([k % 7 for k in range(70)])
    folds = rc.user_kfold(table, 3, given=2, seed=1)
    assert sorted(row for each in folds for row in movies(each.test)) == list(range(14, 70))
    assert all(leaks(each, table) == [] for each in folds)


def test_the_audit_finds_what_was_planted() -> None:
    table = of_users(MIXED)
    split = rc.last_ratings(table, 1)
    late = replace(
        split,
        train=split.train.with_more(split.test.take(slice(0, 1))),
        test=split.test.take(slice(1, None)).with_more(split.train.take(slice(0, 1))),
    )
    assert any("later ratings than" in line for line in leaks(late))
    new = rc.new_users(of_users([k % 5 for k in range(50)]), 0.4)
    mixed = replace(new, train=new.train.with_more(new.test.take(slice(0, 1))))
    assert leaks(mixed) == ["train has more than 0 ratings of 1 users of test"]
    assert audit(split)["separation"] == "user-time"


def test_rows_of_little_history_are_left_out_and_counted() -> None:
    table = of_users([0] * 20 + [1] * 4)
    split = rc.holdout(table, seed=2)
    fewest = int((split.train.frame["user"] == 1).sum())
    strict = rc.least_history(split, user=fewest + 1)
    assert set(strict.test.frame["user"]) == {0}
    gone = len(split.test) - len(strict.test)
    assert gone == (split.test.frame["user"] == 1).sum()
    assert strict.left_out == sum(
        int((part.frame["user"] == 1).sum()) for part in (split.valid, split.test) if part
    )
    assert leaks(strict, table) == []
    assert rc.least_history(split).test is split.test
    with pytest.raises(rc.InputError, match=r"no row of valid .* smaller numbers"):
        rc.least_history(split, movie=1)


def test_refusals() -> None:
    table = of_users(MIXED)
    untimed = of_users(MIXED, timed=False)
    with pytest.raises(rc.InputError, match="no timestamps; use --split leave-one-out"):
        rc.last_ratings(untimed)
    with pytest.raises(rc.InputError, match="count is 0"):
        rc.last_ratings(table, 0)
    with pytest.raises(rc.InputError, match="part test is empty"):
        rc.last_ratings(table, 5)
    with pytest.raises(rc.InputError, match="share is 1"):
        rc.new_users(table, 1.0)
    with pytest.raises(rc.InputError, match="given is -1"):
        rc.user_kfold(table, given=-1)
    with pytest.raises(rc.InputError, match="folds is 9; give 2 to 3"):
        rc.user_kfold(table, 9)
