import numpy as np
import polars as pl
import scipy.sparse as sp

from ratecast.modelling.contract.plain_requests import PlainRequests
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.side_lines import Columns, SideLines
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.ratings import Requests


def ages(table: pl.DataFrame) -> Columns:
    age = table["age"].fill_null(0).to_numpy()
    return age, sp.csr_array(age[:, None] * np.ones(2))


class Counted:
    """`ages`, and how many lines it was given at each call."""

    def __init__(self) -> None:
        self.lines: list[int] = []

    def __call__(self, table: pl.DataFrame) -> Columns:
        self.lines.append(table.height)
        return ages(table)


def rows(known: Vocabulary, users: list[int]) -> Rows:
    numbers = known.rows_of(list(users))
    return Rows(
        numbers, np.ones(len(users), np.int32), PlainRequests(list(users), [1] * len(users))
    )


def of_each(lines: SideLines, known: Vocabulary, users: list[int]) -> list[int]:
    found = lines.of(rows(known, users), known)
    dense, sparse = found.columns
    both = np.asarray(dense)[found.which], sparse[found.which].toarray()[:, 1]
    np.testing.assert_array_equal(*both)
    return [int(age) for age in both[0]]


def test_a_line_is_computed_once() -> None:
    compute = Counted()
    known = Vocabulary("user", pl.DataFrame({"user": [7, 5], "age": [70, 50]}))
    lines = SideLines(compute)
    assert of_each(lines, known, [3]) == [0]
    assert compute.lines == [1]
    assert of_each(lines, known, [5, 7, 3, 5]) == [50, 70, 0, 50]
    assert of_each(lines, known, [7]) == [70]
    assert compute.lines == [1, 2]
    known.encode(pl.Series("user", [9]), "create", pl.DataFrame({"user": [9], "age": [90]}))
    assert of_each(lines, known, [9, 5]) == [90, 50]
    assert compute.lines == [1, 2, 1]


def test_nothing_is_kept_of_a_forgotten_id() -> None:
    known = Vocabulary("user", pl.DataFrame({"user": [7, 5], "age": [70, 50]}))
    lines = SideLines(ages)
    lines.keep_all(known)
    lines.forget(known.forget(7))
    assert of_each(lines, known, [7, 5]) == [0, 50]
    _, (dense, sparse) = lines._kept
    assert 70 not in np.asarray(dense)
    assert 70 not in sparse.data


def test_a_request_brings_its_own() -> None:
    known = Vocabulary("user", pl.DataFrame({"user": [7, 5], "age": [70, 50]}))
    known.unrated = pl.DataFrame({"user": [2], "age": [20]})
    lines = SideLines(ages)
    assert of_each(lines, known, [2, 7, 3]) == [20, 70, 0]
    asked = Requests(
        pl.DataFrame({"user": [7, 5, 3], "movie": [1, 1, 1]}),
        users=pl.DataFrame({"user": [7, 3], "age": [71, 31]}),
    )
    own = Rows(known.rows_of([7, 5, 3]), np.ones(3, np.int32), asked)
    found = lines.of(own, known)
    assert np.asarray(found.columns[0])[found.which].tolist() == [71, 50, 31]
    unknown = lines.of_unknown(own, known)
    assert np.asarray(unknown.columns[0])[unknown.which].tolist() == [31]
    assert of_each(lines, known, [7]) == [70]
