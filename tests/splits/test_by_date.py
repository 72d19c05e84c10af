"""Splits at dates and at rolling origins."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ratecast as rc
from ratecast.audit import audit, leaks
from ratecast.evaluation import protocol
from tests.splits.tables import movies, of_users

START = 1_000_000_000
TABLE = of_users([k % 9 for k in range(100)])


def test_a_border_belongs_to_the_later_part() -> None:
    split = rc.cut(TABLE, START + 60 * 80, START + 60 * 50, until=START + 60 * 90)
    assert movies(split.train) == list(range(50))
    assert movies(split.valid) == list(range(50, 80))
    assert movies(split.test) == list(range(80, 90))
    assert split.left_out == 10
    assert leaks(split, TABLE) == []
    borders = audit(split, TABLE)["borders"]
    assert borders["valid"]["until"] == borders["test"]["from"] == "2001-09-09T03:06:40Z"
    assert borders["train"]["from"] is None


def test_dates_are_of_utc_unless_they_have_a_zone() -> None:
    plain, zoned = (
        rc.cut(TABLE, day).borders["test"]
        for day in ("2001-09-09T03:06:40", "2001-09-09T05:06:40+02:00")
    )
    assert plain == zoned == (START + 60 * 80, None)
    with pytest.raises(rc.InputError, match=r"part test is empty \(from 2030-01-01"):
        rc.cut(TABLE, "2030")


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.floats(0.1, 0.8))
def test_the_windows_are_the_end_of_the_table_in_order(origins: int, share: float) -> None:
    windows = rc.rolling_origin(TABLE, origins, share)
    tested = [row for each in windows for row in movies(each.test)]
    assert tested == list(range(100 - len(tested), 100))
    for each in windows:
        assert movies(each.train) == list(range(min(movies(each.test))))
        assert each.valid is None
        assert leaks(each, TABLE) == []


def test_any_shares() -> None:
    split = rc.chronological(TABLE, shares="70/10/20")
    assert [len(part) for part in split.parts.values()] == [70, 10, 20]
    assert list(rc.chronological(TABLE, shares="0.9/0/0.1").parts) == ["train", "test"]
    assert [len(part) for part in rc.holdout(TABLE, shares="50/25/25").parts.values()] == [
        50,
        25,
        25,
    ]
    for wrong in ("70/10", "70/10/10", "0/50/50", "a/b/c", "80/-10/30"):
        with pytest.raises(rc.InputError, match="shares"):
            rc.holdout(TABLE, shares=wrong)


@pytest.mark.parametrize("by", ["frozen", "as-of"])
def test_a_refreshed_model_has_seen_what_a_new_one_is_fitted_on(by: protocol.Protocol) -> None:
    anew = rc.rolling_origin(TABLE, 3)
    again = rc.rolling_origin(TABLE, 3, fit="refreshed")
    assert [each.continues for each in again] == [False, True, True]
    model = rc.Mean()
    trial = protocol.run(model.fit(again[0].train), again[0], by)
    for one, other in zip(anew[1:], again[1:], strict=True):
        protocol.go_on(model, trial, other)
        trial = protocol.run(model, other, by)
        fresh = protocol.run(rc.Mean().fit(one.train), one, by)
        given = trial.forecasts["test"].history_length
        assert given.tolist() == fresh.forecasts["test"].history_length.tolist()


def test_refusals() -> None:
    with pytest.raises(rc.InputError, match="is not before test from"):
        rc.cut(TABLE, START + 60, START + 90)
    with pytest.raises(rc.InputError, match="give a later one"):
        rc.cut(TABLE, START + 600, until=START + 60)
    with pytest.raises(rc.InputError, match="write it as 2015-01-31"):
        rc.cut(TABLE, "soon")
    with pytest.raises(rc.InputError, match="fit is 'once'; give anew or refreshed"):
        rc.rolling_origin(TABLE, fit="once")
    with pytest.raises(rc.InputError, match="origins is 0"):
        rc.rolling_origin(TABLE, 0)
    with pytest.raises(rc.InputError, match="no timestamps; use --split holdout"):
        rc.rolling_origin(of_users([0, 1] * 9, timed=False))
