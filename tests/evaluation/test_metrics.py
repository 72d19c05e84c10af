import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.evaluation.metrics import Score, calibration_error, interval_coverage
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import Ratings, checked


def table(*stars: float) -> Ratings:
    count = len(stars)
    return checked(
        Ratings(pl.DataFrame({"user": [1] * count, "movie": [1] * count, "rating": stars}))
    )


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
