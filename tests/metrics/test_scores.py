import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.evaluation.comparison import reliability
from ratecast.metrics.scores import Score, calibration_error, interval_coverage
from ratecast.modelling.calibration.ordered_probit import OrderedProbit
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import Ratings, Scale, checked


def table(*stars: float, scale: Scale = Scale(1, 5)) -> Ratings:  # noqa: B008
    count = len(stars)
    frame = pl.DataFrame({"user": [1] * count, "movie": [1] * count, "rating": stars})
    return checked(Ratings(frame, scale=scale))


def forecast(stars: list[float], probabilities: list[list[float]] | None = None) -> Forecast:
    count = len(stars)
    shares = np.full((count, 5), 0.2) if probabilities is None else np.array(probabilities)
    return Forecast(np.array(stars), shares, np.zeros(count, int), np.zeros(count, np.int8))


def test_figures_by_hand() -> None:
    score = Score.of(forecast([2.0, 4.0]), table(1, 4))
    assert score.n == 2
    assert score.rmse == pytest.approx(np.sqrt(0.5))
    assert score.mae == pytest.approx(0.5)
    assert score.nll == pytest.approx(np.log(5))


def test_a_gap_is_refused() -> None:
    with pytest.raises(InputError, match="1 forecasts for 2 ratings"):
        Score.of(forecast([2.0]), table(1, 4))
    with pytest.raises(InputError, match="1 forecasts are missing"):
        Score.of(forecast([2.0, np.nan]), table(1, 4))


def test_calibrated_forecasts_show_no_calibration_error_and_80_percent() -> None:
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.ones(5), size=200_000)
    given = (shares.cumsum(axis=1) < random.random(len(shares))[:, None]).sum(axis=1)
    assert calibration_error(shares, given) < 0.003
    assert interval_coverage(shares, given) == pytest.approx(0.8, abs=0.005)


def test_overconfidence_shows() -> None:
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.ones(5), size=50_000)
    given = (shares.cumsum(axis=1) < random.random(len(shares))[:, None]).sum(axis=1)
    sharp = shares**3 / (shares**3).sum(axis=1, keepdims=True)
    assert calibration_error(sharp, given) > 0.05
    assert interval_coverage(sharp, given) < 0.7


def test_a_sure_and_right_forecast_is_perfectly_calibrated() -> None:
    assert calibration_error(np.eye(5), np.arange(5)) == 0
    assert interval_coverage(np.eye(5), np.arange(5)) == pytest.approx(0.8)


def test_a_continuous_scale_is_scored_by_its_density() -> None:
    """Uniform forecasts: the density is 1 / 20 everywhere, and 80 % of it is from -8 to 8."""
    scale = Scale(-10, 10, None)
    given = table(-9.99, -7.99, 0.1, 7.9, 10.0, scale=scale)
    flat = Forecast(np.zeros(5), np.full((5, 64), 1 / 64), np.zeros(5, int), np.zeros(5, np.int8))
    score = Score.of(flat, given)
    assert score.nll == pytest.approx(np.log(20))
    assert score.coverage == pytest.approx(0.6)
    assert score.mae == pytest.approx((9.99 + 7.99 + 0.1 + 7.9 + 10) / 5, rel=1e-6)


def test_the_nll_of_a_density_may_be_negative() -> None:
    given = table(0.5, scale=Scale(0, 1, None))
    shares = np.full((1, 64), 1e-6)
    shares[0, 32] = 1 - 63e-6
    sure = Forecast(np.array([0.5]), shares, np.zeros(1, int), np.zeros(1, np.int8))
    assert Score.of(sure, given).nll == pytest.approx(-np.log(64), abs=1e-3)


@pytest.mark.parametrize(("spread", "error", "coverage"), [(1.0, 0.01, 0.8), (0.5, 0.08, 0.5)])
def test_quantiles_of_a_continuous_scale_are_calibrated_or_not(
    spread: float, error: float, coverage: float
) -> None:
    """Forecasts of the right spread, and of half of it."""
    scale, random = Scale(-10, 10, None), np.random.default_rng(1)
    mean, history = random.uniform(-4, 4, 20_000), np.zeros(20_000, int)
    given = scale.clip(mean + random.normal(size=20_000))
    shares = OrderedProbit.initial(scale, spread).probabilities(mean, history)
    ratings = table(*given, scale=scale)
    score = Score.of(Forecast(mean, shares, history, history.astype(np.int8)), ratings)
    assert score.coverage == pytest.approx(coverage, abs=0.02)
    assert (score.ece < error) == (spread == 1)
    lines = reliability(Forecast(mean, shares, history, history.astype(np.int8)), ratings)
    assert lines.shape == (19, 3)
    assert np.abs(lines[:, 0] - lines[:, 1]).max() < (0.015 if spread == 1 else 1)
