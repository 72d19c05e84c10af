"""Stars to give, and the histogram of stars that are expected."""

from collections.abc import Awaitable, Callable, Sequence
from html import escape

from nicegui import ui
from nicegui.events import GenericEventArguments

from ratecast.serving.records import Answer

Give = Callable[[float], Awaitable[None]]


class Stars(ui.element, component="stars.js"):
    """A group of radio buttons, one for each star of the scale; a slider for a scale of many."""

    def __init__(
        self, values: Sequence[float], label: str, give: Give, given: float | None = None
    ) -> None:
        """label: what is rated, for a screen reader. give: is awaited with the stars given."""
        super().__init__()
        self._props["values"], self._props["label"] = list(values), label
        self._props["given"], self._props["name"] = given, f"stars-{self.id}"

        async def rated(event: GenericEventArguments) -> None:
            value = event.args
            if isinstance(value, int | float) and not isinstance(value, bool):
                await give(float(value))

        self.on("rate", rated)

    @property
    def given(self) -> float | None:
        """The stars that are shown as given."""
        found: float | None = self._props["given"]
        return found

    def show(self, given: float | None) -> None:
        """Show these stars as given, or none."""
        self._props["given"] = given
        self.update()


def histogram(answer: Answer) -> str:
    """HTML: the probability of each star as a bar, and in words for those who do not see it."""
    shares = answer.probabilities
    said = ", ".join(f"{name} stars {share:.0%}" for name, share in shares.items())
    most = max(shares.values())
    bars = "".join(
        f'<i style="height:{max(share / most, 0.03):.0%}" title="{name} ★ {share:.0%}"></i>'
        for name, share in shares.items()
    )
    return f'<span class="bars" role="img" aria-label="{escape(said)}">{bars}</span>'


def forecast(answer: Answer, mark: str = "") -> str:
    """HTML: the expected stars, how sure they are, and the histogram; `mark` stands before them.

    `data-stars` and `data-movie` hold the exact number and whose it is.
    """
    low, high = answer.interval
    sure = f"{low:g}" if low == high else f"{low:g}\u2009-\u2009{high:g}"
    return (
        f'<span class="forecast" data-stars="{answer.stars!r}" '
        f'data-movie="{escape(str(answer.movie.id))}">'
        f"{mark}<b>{answer.stars:.1f}</b>{histogram(answer)}"
        f'<span class="sure" title="with a probability of 80 %">{sure} ★</span></span>'
    )
