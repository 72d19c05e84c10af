"""How often each star is given: as in train, whatever is observed; also of older artifacts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast import artifact
from ratecast.models import load_model
from ratecast.models.als.model import ALS
from ratecast.models.bias import Bias
from ratecast.queries.star_distribution import star_distribution
from ratecast.queries.title_lookup import unused_user
from ratecast.ratings import Ratings, Scale
from tests.planted import planted


def counted(table: Ratings) -> list[int]:
    return [int(np.isclose(table.stars, star).sum()) for star in table.scale.stars]


@pytest.mark.parametrize("half", [False, True])
def test_it_is_that_of_train(half: bool, tmp_path: Path) -> None:
    table = planted(half=half)
    model = Bias().fit(table)
    assert star_distribution(model).counts.tolist() == counted(table)
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    assert star_distribution(loaded).scale == table.scale
    loaded.observe(pl.DataFrame({"user": [999], "movie": [1], "rating": [5.0], "at": [2**30]}))
    assert star_distribution(loaded).counts.tolist() == counted(table)
    assert star_distribution(loaded.refit(table)).counts.tolist() == counted(table)


def test_an_artifact_that_did_not_count_gives_what_it_predicts(tmp_path: Path) -> None:
    table = planted(rows=4000, movies=80)
    # Calibrated on the rows that it is compared with.
    ALS(factors=2).fit(table, table).save(tmp_path / "new")
    saved = artifact.read(tmp_path / "new")
    arrays = {name: array for name, array in saved.arrays.items() if name != "counts.stars"}
    artifact.write(tmp_path / "old", replace(saved, arrays=arrays))
    model = load_model(tmp_path / "old")
    assert model.counts.of_stars is None
    found = star_distribution(model).counts
    known = np.array(counted(table), float) / len(table)
    far = np.abs(known - 1 / len(known)).sum()  # of a model that knows nothing
    assert np.abs(found / found.sum() - known).sum() < far / 2
    model.save(tmp_path / "again")
    assert load_model(tmp_path / "again").counts.of_stars is None


def test_an_unused_user() -> None:
    assert unused_user(Bias().fit(planted())) == 61
    frame = pl.DataFrame({"user": ["new-user-1", "b"], "movie": [1, 2], "rating": [1.0, 2.0]})
    assert unused_user(Bias().fit(Ratings(frame, scale=Scale(1, 5)))) == "new-user-2"
