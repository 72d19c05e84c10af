from dataclasses import replace

import numpy as np

from ratecast.modelling.history.user_history import RatingColumns
from ratecast.models.state_space.rhythm import cut_by_time


def test_time_slices_do_not_split_rows_of_equal_time() -> None:
    at = np.array([5, 1, 1, 2, 2, 2, 3, 4, 4, 5])
    row = np.arange(10, dtype=np.int32)
    first, *later = cut_by_time(RatingColumns(row, row, at.astype(float), at), 0.25, 0.5)
    assert first.at.tolist() == [1, 1, 2, 2, 2]
    assert np.concatenate([p.at for p in later]).tolist() == [3, 4, 4, 5, 5]
    assert all(a.at[-1] < b.at[0] for a, b in zip([first, *later], later, strict=False))
    untimed = replace(first, at=np.zeros(5, np.int64))
    assert [len(part) for part in cut_by_time(untimed, 0.25, 0.02)] == [5]
