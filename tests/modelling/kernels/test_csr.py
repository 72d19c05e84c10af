import numpy as np

from ratecast.modelling.kernels.csr import balanced_groups, pieces, sorted_by
from tests.modelling.kernels.triples import USERS, triples


def test_sorting_keeps_the_order_of_ties_and_every_row() -> None:
    users, movies, above = triples()
    edges, ordered = sorted_by(users, USERS, (users, movies, above))
    order = np.argsort(users, kind="stable")
    for column, wanted in zip(ordered, (users, movies, above), strict=True):
        np.testing.assert_array_equal(column, wanted[order])
    np.testing.assert_array_equal(np.diff(edges), np.bincount(users, minlength=USERS))


def test_groups_and_pieces_are_even() -> None:
    counts = np.random.default_rng(1).integers(0, 50, 1000)
    totals = np.bincount(balanced_groups(counts, 16), counts, minlength=16)
    assert totals.max() - totals.min() <= 100
    edges = np.concatenate([[0], np.cumsum(counts)])
    cuts = pieces(edges, 16)
    assert cuts[0] == 0
    assert cuts[-1] == 1000
    assert np.diff(edges[cuts]).max() <= counts.sum() / 16 + 50
