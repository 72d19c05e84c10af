import numpy as np
import polars as pl
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast.errors import InputError
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.ratings import USER


def users(*ids: int | str) -> pl.Series:
    return pl.Series("user", list(ids))


@pytest.fixture
def known() -> Vocabulary:
    side = pl.DataFrame({"user": [7, 5], "age": [70, 50]})
    return Vocabulary.of(users(5, 7, 5), side)


def test_numbers_follow_the_order_of_appearance_and_0_is_unknown(known: Vocabulary) -> None:
    assert known.encode(users(7, 5, 9)).tolist() == [2, 1, 0]
    assert known.table.rows() == [(5, 50), (7, 70)]
    assert len(known) == 3


def test_create_numbers_new_ids_once(known: Vocabulary) -> None:
    side = pl.DataFrame({"user": [9], "age": [90]})
    assert known.encode(users(9, 7, 9, 8), "create", side).tolist() == [3, 2, 3, 4]
    assert known.encode(users(8, 9)).tolist() == [4, 3]
    assert known.table["age"].to_list() == [50, 70, 90, None]


def test_raise_names_the_id(known: Vocabulary) -> None:
    with pytest.raises(InputError, match="user 9: not known"):
        known.encode(users(5, 9), "raise")


def test_a_wrong_type_is_refused_not_guessed(known: Vocabulary) -> None:
    assert known.encode(users("5")).tolist() == known.encode(users(5)).tolist()
    with pytest.raises(InputError, match="user 'x5': ids of this model are whole numbers"):
        known.encode(users("5", "x5"))


def test_many_ids_are_looked_up_as_few_ones_are(known: Vocabulary) -> None:
    many = users(*([5, 7, 1] * 400))
    assert known.encode(many).tolist() == [1, 2, 0] * 400


def test_side_information_comes_from_the_request_first(known: Vocabulary) -> None:
    more = pl.DataFrame({"user": [5, 9], "age": [51, 90]})
    assert known.side(users(9, 5, 7, 1), more)["age"].to_list() == [90, 51, 70, None]


FAR = st.sampled_from([-(2**63), 2**63 - 1, 2**40])


@settings(deadline=None)
@given(st.lists(st.integers(-50, 50) | FAR, min_size=1, max_size=40), st.booleans())
def test_ids_near_and_far_are_numbered_alike_in_bulk_and_alone(ids: list[int], near: bool) -> None:
    chosen = [i for i in ids if abs(i) <= 50] or [7] if near else ids
    bulk = users(*(chosen * 300))
    known = Vocabulary.of(bulk, bulk.to_frame().head(0))
    expected = {i: k for k, i in enumerate(dict.fromkeys(chosen), 1)}
    assert known.table["user"].to_list() == list(expected)
    asked = [*chosen, 99, 2**63 - 1, -(2**63)] * 300
    assert known.encode(users(*asked)).tolist() == [expected.get(i, 0) for i in asked]
    assert known.encode(users(*asked[:9])).tolist() == [expected.get(i, 0) for i in asked[:9]]
    more = known.encode(users(*asked), "create")
    assert more.tolist() == known.encode(users(*asked)).tolist()
    assert known.encode(users(*asked[:9])).tolist() == more[:9].tolist()
    assert len(known) == len(set(asked)) + 1


@pytest.mark.parametrize("ids", [[3, 1, 2], ["c", "a", "b"]])
def test_known_ids_are_those_that_were_not_forgotten(ids: list[int | str]) -> None:
    column = pl.Series("user", ids)
    users = Vocabulary.of(column, column.clear().to_frame())
    users.forget(ids[1])
    assert users.known.to_list() == [ids[0], ids[2]]
    assert len(users) == 4


def test_new_ids_with_long_words_do_not_double_the_memory() -> None:
    """A table that grows by a join with itself takes twice the memory each time, in polars."""
    ids = np.random.default_rng(0).permutation(943)
    words = [f"a word of many bytes {k % 20}" for k in range(len(ids))]
    side = pl.DataFrame({USER: ids, "occupation": words})
    known, process = Vocabulary.of(pl.Series(USER, ids), side), psutil.Process()
    before = process.memory_info().rss
    for k in range(24):
        first = 10_000 + 40 * k
        rows = known.encode(pl.Series(USER, range(first, first + 40)), "create")
        assert rows.tolist() == list(range(944 + 40 * k, 984 + 40 * k))
    assert process.memory_info().rss - before < 100e6
    assert known.table["occupation"].null_count() == 24 * 40
