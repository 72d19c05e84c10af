import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast.errors import InputError
from ratecast.scale import CELLS, MOST_STARS, Scale

JESTER = Scale(-10, 10, None)


def series(values: list[float]) -> pl.Series:
    return pl.Series(values, dtype=pl.Float32)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 5, 3], "1:5:1"),
        ([2, 5], "1:5:1"),
        ([1, 10], "1:10:1"),
        ([0, 10], "0:10:1"),
        ([3, 3], "1:3:1"),
        ([1], "1:2:1"),
        ([0], "0:1:1"),
        ([-1, 1], "-1:1:1"),
        ([-9.5, 3], "-10:3:0.5"),
        ([0.5, 4.0, 5.0], "0.5:5:0.5"),
        ([1.5, 4.5], "0.5:5:0.5"),
        ([0.5, 4.0], "0.5:4:0.5"),
        ([0.25, 4.75], "0.25:5:0.25"),
        ([0.4, 3.8], "0.2:4:0.2"),
        ([0.1, 0.7], "0.1:1:0.1"),
        ([1.1, 9.7], "0.1:10:0.1"),
        ([0, 9.9], "0:10:0.1"),
        ([0.05, 4.95], "0.05:5:0.05"),
        ([20, 40, 100], "10:100:10"),
        ([0, 25, 100], "0:100:5"),
        ([5, 10], "1:10:1"),
        ([37, 88], "1:88:1"),
        ([150, 199], "150:199:1"),
        ([60.5, 90], "60:90:0.5"),
        ([-9.95, 3.14, 10], "-9.95:10:continuous"),
        ([0, 200, 7], "0:200:continuous"),
        ([3.33], "3:4:continuous"),
    ],
)
def test_infers_the_widest_step_and_begins_at_a_step(values: list[float], scale: str) -> None:
    inferred = Scale.infer(series(values))
    assert str(inferred) == scale
    assert inferred.holds(series(values)).all()


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1))
def test_an_inferred_scale_holds_its_ratings(values: list[float]) -> None:
    inferred = Scale.infer(series(values))
    assert inferred.holds(series(values)).all()
    index = inferred.index(values)
    assert ((index >= 0) & (index < len(inferred.stars))).all()
    assert Scale.parse(str(inferred)) == inferred


@given(st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.5, 1, 5, 10]), st.data())
def test_ratings_on_a_step_are_never_continuous(step: float, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, 90), min_size=1))
    inferred = Scale.infer(series([step * place for place in places]))
    assert inferred.step is not None
    assert inferred.step >= step or step > 1
    assert len(inferred.stars) <= MOST_STARS


@pytest.mark.parametrize("values", [[float("nan"), 1.0], [float("inf")], []])
def test_a_scale_that_cannot_be_read_is_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match="empty or not finite"):
        Scale.infer(series(values))


@pytest.mark.parametrize(
    "text",
    ["5:1", "1:5:0.3", "1", "a:b", "1:5:-1", "0:1000", "1:2:3:4", "1:5:0", "1:inf", "nan:5"],
)
def test_a_scale_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="scale"):
        Scale.parse(text)


@pytest.mark.parametrize("text", ["1:5:", "5:5:continuous", "continuous", "1:5:1:continuous"])
def test_a_continuous_scale_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="scale"):
        Scale.parse(text)


def test_too_many_stars_are_refused_with_a_scale_that_works() -> None:
    with pytest.raises(InputError, match="under 101 steps; or write 0:1000:continuous") as caught:
        Scale.parse("0:1000")
    assert Scale.parse(str(caught.value).split()[-1]) == Scale(0, 1000, None)


def test_stars_and_their_positions() -> None:
    scale = Scale.parse("0.5:5:0.5")
    assert scale.stars.tolist() == [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    assert scale.index(scale.stars).tolist() == list(range(10))
    assert scale.clip([-1, 2.2, 9]).tolist() == [0.5, 2.2, 5]
    assert scale.labels[:2] == ["0.5", "1"]


def test_cells_of_a_continuous_scale() -> None:
    assert Scale.parse("-10:10:continuous") == JESTER
    np.testing.assert_allclose(JESTER.stars[[0, -1]], [-10 + 20 / 128, 10 - 20 / 128])
    # Both ends lie in a cell, and so does a rating that rounding puts a little beyond.
    assert JESTER.index([-10, -10 - 1e-7, 0, 10]).tolist() == [0, 0, CELLS // 2, CELLS - 1]
    ratings = pl.Series([-10.0, 9.99, 10.000001, 10.1, float("nan"), None])
    assert JESTER.holds(ratings).to_list() == [True, True, True, False, False, False]
    assert JESTER.labels[0] == "-10 to -8.75"
    assert JESTER.shown(np.ones((2, CELLS))).tolist() == [[4.0] * 16] * 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, 5], ""),
        ([4], "ratings that are all 4 are taken as on the scale 1:4:1; give --scale=low:high:step"),
        ([2, 5], "ratings from 2 to 5 are taken as on the scale 1:5:1; give --scale=low:high:step"),
        ([0.01, 0.99], "as continuous from 0.01 to 0.99; give --scale=0:1:continuous"),
        ([-9.95, 10], "as continuous from -9.95 to 10; give --scale=-10:10:continuous"),
        ([-10, 3.14, 10], "ratings are taken as continuous from -10 to 10"),
    ],
)
def test_says_what_was_assumed(values: list[float], said: str) -> None:
    line = Scale.infer(series(values)).assumption(series(values))
    assert said in line
    assert bool(line) == bool(said)
    if "give --scale=" in said and "low:high" not in said:
        wider = Scale.parse(line.split("--scale=")[1].split()[0])
        assert wider.holds(series(values)).all()


@pytest.mark.parametrize("scale", ["1:4:1", "0.5:5:0.5", "-9.5:9.5:continuous", "10:100:10"])
@settings(deadline=None)
@given(ratings=st.lists(st.floats(-120, 120, width=32), min_size=1))
def test_the_remedy_for_ratings_off_the_scale_works(scale: str, ratings: list[float]) -> None:
    own = Scale.parse(scale)
    line = own.remedy(series(ratings))
    if own.holds(series(ratings)).all():
        assert line == "correct or remove it"
    else:
        wider = Scale.parse(line.split("--scale=")[1].split()[0])
        assert wider.holds(series(ratings)).all()
        assert wider.holds(pl.Series([own.low, own.high])).all()
        assert wider.is_continuous or wider.holds(pl.Series(own.stars)).all()


@pytest.mark.parametrize("scale", [Scale(1, 5, 1), Scale(0.5, 5, 0.5), JESTER])
@given(rating=st.floats(-12, 12) | st.sampled_from([1.00001, 4.5, 5.0000001, -10.0, np.nan]))
def test_one_rating_is_on_the_scale_as_a_column_is(scale: Scale, rating: float) -> None:
    found, column = scale.nearest(rating), pl.Series([rating])
    assert (found is not None) == scale.holds(column)[0]
    if found is not None:
        assert scale.low <= found <= scale.high
        assert found == pytest.approx(rating, abs=1e-3)
        assert scale.is_continuous or found == scale.stars[scale.index(rating)]
