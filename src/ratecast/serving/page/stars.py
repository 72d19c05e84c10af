"""The star input, and the histogram of a forecast."""

from collections.abc import Awaitable, Callable, Sequence
from html import escape

import numpy as np
from nicegui import ui
from nicegui.events import GenericEventArguments

from ratecast.ratings import Scale
from ratecast.serving.records import MovieForecast

_CHOICES = 201
OnRate = Callable[[float], Awaitable[None]]


class Stars(ui.element, component="stars.js"):
    """Radio buttons, one per star of the scale; a slider for a scale with many stars."""

    def __init__(
        self, values: Sequence[float], label: str, rate: OnRate, given: float | None = None
    ) -> None:
        """label: for screen readers. rate: awaited with the chosen stars. given: current stars."""
        super().__init__()
        self._props["values"], self._props["label"] = list(values), label
        self._props["given"], self._props["name"] = given, f"stars-{self.id}"

        async def rated(event: GenericEventArguments) -> None:
            value = event.args
            if isinstance(value, int | float) and not isinstance(value, bool):
                await rate(float(value))

        self.on("rate", rated)

    @property
    def given(self) -> float | None:
        """The stars that are shown."""
        stars: float | None = self._props["given"]
        return stars

    def show(self, given: float | None) -> None:
        """Show these stars, or none."""
        self._props["given"] = given
        self.update()


def values_of(scale: Scale) -> list[float]:
    """The ratings to choose from: every star, or 201 of a continuous scale."""
    values = np.linspace(scale.low, scale.high, _CHOICES) if scale.is_continuous else scale.stars
    return [float(value) for value in np.round(values, 6)]


def histogram(predicted: MovieForecast) -> str:
    """HTML: a bar for the probability of each star, and a label for screen readers."""
    probabilities = predicted.probabilities
    label = ", ".join(f"{name} stars {share:.0%}" for name, share in probabilities.items())
    largest = max(probabilities.values())
    bars = "".join(
        f'<i style="height:{max(share / largest, 0.03):.0%}" title="{name} ★ {share:.0%}"></i>'
        for name, share in probabilities.items()
    )
    return f'<span class="bars" role="img" aria-label="{escape(label)}">{bars}</span>'


def forecast(predicted: MovieForecast, mark: str = "") -> str:
    """HTML: `mark`, the expected stars, the histogram and the 80 % interval.

    `data-stars` and `data-movie` hold the unrounded stars and the movie id.
    """
    low, high = predicted.interval
    interval = f"{low:.3g}" if low == high else f"{low:.3g}\u2009-\u2009{high:.3g}"
    return (
        f'<span class="forecast" data-stars="{predicted.stars!r}" '
        f'data-movie="{escape(str(predicted.movie.id))}">'
        f"{mark}<b>{predicted.stars:.1f}</b>{histogram(predicted)}"
        f'<span class="sure" title="80 % interval">{interval} ★</span></span>'
    )
