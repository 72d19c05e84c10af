from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ratecast.evaluation.protocol import fit_timed, run
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.shared_fits import computed_once, sharing, spared_clock
from ratecast.models.als.model import ALS
from ratecast.models.bias import Bias
from ratecast.models.blend.model import Blend
from ratecast.splits import Split, chronological
from tests.planted import planted


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with sharing(tmp_path):
        yield tmp_path


def blend(**settings: bool) -> Blend:
    return Blend(chains=1, iterations=30, **settings)


def bits(model: Model, split: Split) -> list[bytes]:
    fit_timed(model, split)
    trials = [run(model, split, "frozen"), run(model, split, "as-of")]
    return [each.stars.tobytes() for trial in trials for each in trial.forecasts.values()]


def test_shared_fits_have_the_same_bits(tmp_path: Path) -> None:
    split = chronological(planted())
    made = (blend, partial(blend, timed=False), ALS, partial(ALS, seed=1))
    alone = [bits(make(), split) for make in made]
    with sharing(tmp_path):
        together = [bits(make(), split) for make in made]
    assert together == alone
    assert len(list(tmp_path.iterdir())) > 10


@pytest.mark.usefixtures("folder")
def test_a_blend_takes_over_what_another_has_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    split = chronological(planted())
    first = blend().fit(split.train, split.valid)

    def refused(*_: object) -> None:
        raise AssertionError("fitted again")

    for part in first.candidates().values():
        monkeypatch.setattr(type(part), "fit_rows", refused)
    again = blend()
    seconds = fit_timed(again, split)
    requests = split.test.requests()
    np.testing.assert_array_equal(again.predict(requests).stars, first.predict(requests).stars)
    # What it would have taken counts.
    assert seconds.fit > 0
    with pytest.raises(AssertionError, match="fitted again"):
        blend().fit(split.test)


@pytest.mark.usefixtures("folder")
def test_the_seconds_of_what_is_read_are_known() -> None:
    with spared_clock() as first:
        assert computed_once(("sum", 3), lambda: sum(range(100_000))) == 4_999_950_000
    with spared_clock() as again:
        assert computed_once(("sum", 3), lambda: 0) == 4_999_950_000
    assert first.seconds == 0 < again.seconds
    assert computed_once(("sum", 4), lambda: 0) == 0


def test_a_model_that_reads_valid_is_not_shared(folder: Path) -> None:
    split = chronological(planted())
    Bias().fit(split.train, split.valid)
    assert list(folder.iterdir()) == []
