"""How well the service forecasts: an endpoint, and gauges for Prometheus."""

from collections.abc import Callable, Iterator
from dataclasses import asdict

from fastapi import Response
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ratecast.serving.http.api import Service
from ratecast.serving.http.schemas import reply
from ratecast.serving.http.v1_router import v1_router
from ratecast.serving.quality.scores import Figures
from ratecast.serving.quality_report import Quality, quality_of
from ratecast.serving.service import RatingService

router = v1_router()

# The name of each figure's gauge, and what it is of.
GAUGES = {
    "n": ("ratings", "Ratings whose forecasts were scored"),
    "rmse": ("rmse", "Root mean squared error, in stars"),
    "mae": ("mae", "Mean absolute error, in stars"),
    "nll": ("nll", "Mean negative log probability of the given star, in nats"),
    "ece": ("calibration_error", "Expected calibration error"),
    "coverage": ("coverage", "Coverage of the 80 % interval"),
    "drift": ("drift", "Mean of stars less forecast"),
    "expected_rmse": ("expected_rmse", "RMSE that the forecast variances give, in stars"),
}


@router.get("/quality", tags=["movies"], response_model=Quality)
async def quality(service: Service) -> Response:
    """How well the service forecasts the ratings that it gets, by history length."""
    return reply(quality_of(service.live))


class QualityCollector(Collector):
    """Gauges that are computed when they are read. service: None until a model is loaded."""

    def __init__(self, service: Callable[[], RatingService | None]) -> None:
        self._service = service

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The names of the gauges, for the registry."""
        yield from _families().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges of now."""
        service = self._service()
        families = _families()
        if service is not None:
            found = quality_of(service.live)
            for span, slices in (("all", found.all), ("window", found.window)):
                _fill(families, ("served", span), slices)
            if found.shadow is not None:
                _fill(families, ("shadow", "shared"), found.shadow.shadow)
                _fill(families, ("served", "shared"), found.shadow.served)
            if found.band is not None:
                for end in ("low", "expected", "high"):
                    families["band"].add_metric((end,), getattr(found.band, end))
        yield from families.values()


def _families() -> dict[str, GaugeMetricFamily]:
    labels = ("model", "span", "history")
    families = {
        figure: GaugeMetricFamily(f"ratecast_forecast_{name}", text, labels=labels)
        for figure, (name, text) in GAUGES.items()
    }
    text = "Where the RMSE of the window should lie, in stars"
    families["band"] = GaugeMetricFamily("ratecast_forecast_rmse_band", text, labels=("end",))
    return families


def _fill(
    families: dict[str, GaugeMetricFamily], about: tuple[str, str], slices: dict[str, Figures]
) -> None:
    for history, figures in slices.items():
        for name, value in asdict(figures).items():
            families[name].add_metric((*about, history), value)
