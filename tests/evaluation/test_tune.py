import inspect
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.evaluation.tune import Search, folds_of, tune, validation_rmse
from ratecast.models import MODELS, model_class
from ratecast.splits import chronological
from ratecast.training import make_model
from tests.planted import planted


@pytest.fixture(scope="module")
def search() -> Search:
    split = chronological(planted(rows=3000))
    return Search("bias", folds_of(split), "frozen")


def test_finds_settings_at_least_as_good_as_the_models_own(search: Search) -> None:
    scores: list[float] = []
    found = tune(make_model, search, trials=6, on_trial=lambda _, rmse: scores.append(rmse))
    assert len(scores) == found.trials == 6
    assert found.default_rmse == scores[0] == validation_rmse(make_model("bias"), search)
    assert found.rmse == min(scores)
    best = make_model("bias", **found.settings)
    assert validation_rmse(best, search) == found.rmse


def test_what_the_model_learns_itself_is_the_first_trial(search: Search) -> None:
    assert tune(make_model, search, trials=1).settings == {
        "user_damping": "auto", "movie_damping": "auto"
    }  # fmt: skip
    learned: dict[str, Any] = {"user_damping": 3.0, "movie_damping": "auto"}
    one_given = partial(make_model, **learned)
    found = tune(one_given, search, trials=1)
    assert found.settings == learned
    assert found.rmse == validation_rmse(make_model("bias", **learned), search)


def test_a_search_can_be_repeated(search: Search) -> None:
    assert tune(make_model, search, trials=4) == tune(make_model, search, trials=4)


def test_test_cannot_be_handed_in() -> None:
    assert "test" not in inspect.signature(tune).parameters
    assert "test" not in inspect.signature(Search).parameters


def test_a_model_without_settings_is_refused(search: Search) -> None:
    with pytest.raises(InputError, match="no setting to search"):
        tune(make_model, Search("mean", search.folds), trials=1)


@pytest.mark.parametrize("name", MODELS)
def test_a_models_own_settings_lie_in_the_ranges(name: str) -> None:
    own = make_model(name).settings()
    for setting, bounds in model_class(name).search.items():
        if own[setting] == "auto":
            continue
        assert bounds.low <= own[setting] <= bounds.high
        assert isinstance(bounds.low, int) == isinstance(own[setting], int)
        assert np.isfinite(bounds.high)


def test_as_of_without_order_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "t.csv"
    planted().frame.unique(["user", "movie"]).drop("at").write_csv(table)
    words = ["tune", "bias", "--data", str(table), "--protocol", "as-of", "--trials", "2"]
    assert main(words) == 2
    assert capfd.readouterr().err.splitlines()[1:] == [
        "ratecast: as-of: the table has no timestamps; use --protocol frozen "
        "(protocol='frozen' in Python)"
    ]
    assert main([*words[:4], "--protocol", "frozen", "--trials", "2"]) == 0
    split = chronological(planted())
    folds = folds_of(split, kfold_seed=0)
    with pytest.raises(InputError, match="part train ends after test begins"):
        tune(make_model, Search("bias", folds, "as-of"), trials=1)
