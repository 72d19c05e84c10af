from pathlib import Path

import numpy as np
import pytest

from ratecast.models import load_model
from ratecast.models.blend import KNOWN_USERS, NEW_USERS, Blend
from ratecast.models.gaussian_process.model import GaussianProcess
from ratecast.splits import chronological
from tests.planted import planted


def test_the_parts_of_a_blend_keep_step() -> None:
    split = chronological(planted())
    model = Blend(chains=1, iterations=30).fit(split.train)
    model.walk(split.test)
    for part in model._parts.values():
        assert part.users.table.equals(model.users.table)
        assert part.movies.table.equals(model.movies.table)
    assert all(KNOWN_USERS.get(name, 0) + NEW_USERS.get(name, 0) > 0 for name in model._parts)


def test_a_blend_too_large_for_gaussian_process_logs_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(GaussianProcess, "max_movies", 10)
    table = planted()
    model = Blend(chains=1, iterations=30).fit(table)
    assert "gaussian_process" not in model._parts
    assert [record.message for record in caplog.records] == [
        "blend: 40 movies are more than gaussian_process holds; its share goes to the other parts"
    ]
    model.observe(table.take(slice(0, 5)))
    model.save(tmp_path / "artifact")
    requests = table.requests()
    again = load_model(tmp_path / "artifact").predict(requests).stars
    np.testing.assert_array_equal(again, model.predict(requests).stars)
    assert len(caplog.records) == 1
