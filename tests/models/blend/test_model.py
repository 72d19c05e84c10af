from pathlib import Path

import numpy as np
import pytest

from ratecast.arrays import F64
from ratecast.models import load_model
from ratecast.models.blend.model import AS_OF, FROZEN, KNOWN_USERS, NEW_USERS, Blend
from ratecast.models.gaussian_process.model import GaussianProcess
from ratecast.ratings import Ratings
from ratecast.splits import chronological
from tests.planted import planted


def fixed() -> Blend:
    return Blend(learn_shares=False, chains=1, iterations=30)


def test_the_parts_of_a_blend_keep_step() -> None:
    split = chronological(planted())
    model = fixed().fit(split.train)
    model.walk(split.test)
    for part in model.parts.values():
        assert part.users.table.equals(model.users.table)
        assert part.movies.table.equals(model.movies.table)
    assert all(KNOWN_USERS.get(name, 0) + NEW_USERS.get(name, 0) > 0 for name in model.parts)


def test_a_blend_too_large_for_gaussian_process_logs_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(GaussianProcess, "max_movies", 10)
    table = planted()
    model = fixed().fit(table)
    assert "gaussian_process" not in model.parts
    assert [record.message for record in caplog.records] == [
        "blend: 40 movies are more than gaussian_process holds; its share goes to the other parts"
    ]
    model.observe(table.take(slice(0, 5)))
    model.save(tmp_path / "artifact")
    requests = table.requests()
    again = load_model(tmp_path / "artifact").predict(requests).stars
    np.testing.assert_array_equal(again, model.predict(requests).stars)
    assert len(caplog.records) == 1


def test_shares_are_learned_and_no_worse_than_the_best_part(tmp_path: Path) -> None:
    split = chronological(planted())
    model = Blend(chains=1, iterations=30).fit(split.train)
    for shares in model.shares.values():
        assert shares.new.sum() == pytest.approx(1)
        assert shares.known.sum() == pytest.approx(1)
        assert min(shares.new.min(), shares.known.min()) >= 0
    requests = split.test.requests()
    whole = rmse(model.predict(requests).stars, split.test)
    # The noise of a thousand rows is more than the 0.001 that a large table is held to.
    assert whole < 1.02 * min(
        rmse(part.predict_rows(model.encode(requests)).mean, split.test)
        for part in model.parts.values()
    )
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact")
    np.testing.assert_array_equal(again.predict(requests).stars, model.predict(requests).stars)


def test_a_refit_keeps_the_shares() -> None:
    table = planted()
    model = Blend(chains=1, iterations=30).fit(table.take(slice(0, 900)))
    before = model.shares
    model.refit(table)
    assert model.shares is before


def test_forecasts_after_the_first_observed_rating_have_the_shares_of_as_of_ones() -> None:
    table = planted()
    model = fixed().fit(table.take(slice(0, 900)))
    first, last = model.shares[FROZEN].names[0], model.shares[FROZEN].names[-1]
    model.shares = {FROZEN: model.shares[FROZEN].only([first])}
    model.shares[AS_OF] = fixed().shares_of(table, (last,))[FROZEN]
    rows = model.encode(table.take(slice(900, 1000)).requests())
    alone = {
        name: model.scale.clip(model.parts[name].predict_rows(rows).mean) for name in (first, last)
    }
    np.testing.assert_array_equal(model.predict_rows(rows).mean, alone[first])
    model.observe(table.take(slice(1000, 1001)))
    after = model.scale.clip(model.parts[last].predict_rows(rows).mean)
    np.testing.assert_array_equal(model.predict_rows(rows).mean, after)


def rmse(stars: F64, given: Ratings) -> float:
    return float(np.sqrt(np.mean((given.scale.clip(stars) - given.stars) ** 2)))
