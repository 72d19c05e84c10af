"""Columns of any names as labels and dense columns, the same for a row alone and in a table."""

import numpy as np
import polars as pl
import pytest

from ratecast.modelling.side_information.feature_columns import MOST_DIRECTIONS
from ratecast.modelling.side_information.further_columns import FurtherColumns


def table(rows: int = 40) -> pl.DataFrame:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(rows, 3)) @ random.normal(size=(3, 50))
    return pl.DataFrame(
        {
            "movie": range(rows),
            "title": [f"Film {k}" for k in range(rows)],
            "price": [None if k == 4 else float(k) for k in range(rows)],
            "land": [None if k == 5 else "it" if k % 2 else "fr" for k in range(rows)],
            "tags": [["slow", "war"] if k % 3 else ["slow", f"own {k}"] for k in range(rows)],
            "plot": pl.Series([{"a": k} for k in range(rows)]),
            "embedding": pl.Series(
                [None if k == 6 else v.tolist() for k, v in enumerate(vectors)],
                dtype=pl.Array(pl.Float32, 50),
            ),
        }
    )


def test_each_type_gives_labels() -> None:
    labels = FurtherColumns.of(table()).labels(table())
    assert list(labels) == ["price", "land", "tags", "embedding"]
    assert labels["price"].shape == (40, 11)
    assert labels["price"].sum(axis=1).tolist() == [1.0] * 40
    assert labels["price"].toarray()[4, 10] == 1
    # fr, it, and a label of its own for the missing one.
    assert labels["land"].toarray()[[0, 1, 5]].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    # A tag of a single movie is no label.
    assert labels["tags"].toarray()[1].tolist() == pytest.approx([0.5**0.5, 0.5**0.5])
    assert labels["tags"].toarray()[0].tolist() == [1.0, 0.0]


def test_numbers_are_standardized_and_vectors_reduced() -> None:
    side = table()
    price = FurtherColumns.of(side.select("movie", "price")).dense(side)
    known = np.delete(price[:, 0], 4)
    assert (known.mean(), known.std()) == (pytest.approx(0), pytest.approx(1))
    assert price[4].tolist() == [0.0, 1.0]
    vector = FurtherColumns.of(side.select("movie", "embedding")).dense(side)
    # Three directions explain the 50 numbers; the last column is the indicator.
    assert vector.shape == (40, 4)
    assert MOST_DIRECTIONS > 3
    assert np.delete(vector[:, :3], 6, axis=0).var(axis=0).mean() == pytest.approx(1)
    assert vector[6].tolist() == [0, 0, 0, 1]


def test_a_row_alone_has_the_same_features_and_so_has_what_was_kept() -> None:
    side, columns = table(), FurtherColumns.of(table())
    kept = FurtherColumns.unpacked(columns.packed("further")["further"])
    assert kept == columns
    for row in range(len(side)):
        np.testing.assert_array_equal(kept.dense(side[row]), columns.dense(side)[[row]])
    missing = columns.dense(side[:1].select("movie"))
    assert missing.shape[1] == columns.dense(side).shape[1]
    assert FurtherColumns.unpacked(None).packed("further") == {}


def test_single_labels() -> None:
    label = FurtherColumns.of(table()).single_labels(table())
    assert list(label) == ["price", "land"]
    assert label["land"][0][:6].tolist() == [0, 1, 0, 1, 0, 2]
    assert label["land"][1] == 3
