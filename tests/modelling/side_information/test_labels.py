import polars as pl
import pytest

from ratecast.modelling.side_information.labels import Labels
from tests.planted import planted, with_sides


def test_labels_not_met_in_train_count_as_absent() -> None:
    side = with_sides(planted()).movies
    labels = Labels.of(side)
    other = pl.DataFrame({"movie": [99], "year": [1890], "genres": [["Opera", "War"]]})
    matrices = labels.matrices(other)
    assert matrices["year"].nnz == 0
    assert matrices["genres"].toarray().sum() == pytest.approx(0.5**0.5)
