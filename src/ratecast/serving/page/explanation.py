"""Dialog that explains a forecast: the effect of each rating, by leave-one-out."""

from nicegui import ui

from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import RequestError
from ratecast.serving.page.layout import button, element, sentence
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import forecast
from ratecast.serving.records import Explanation, RatingEffect

COUNT = 8


async def show_explanation(visitor: Visitor, movie: Movie) -> None:
    """Open the dialog, compute the explanation, and fill the dialog."""
    with ui.dialog() as dialog, ui.element("div").classes("sheet"):
        element("h2", f"Why this forecast for {movie.title}?").props('id="why" tabindex="-1"')
        place = ui.element("div").props('aria-live="polite"')
        button("Close", dialog.close, quiet=False)
    dialog.props('aria-labelledby="why"').on("hide", dialog.delete)
    with place:
        element("p", "Computing the forecast without each of your ratings …").classes("muted")
    dialog.open()
    try:
        explanation = await visitor.service.explain(visitor.forecast_user, movie.id, COUNT)
    except RequestError as error:
        place.clear()
        with place:
            element("p", sentence(error))
        return
    if not dialog.is_deleted:
        place.clear()
        with place:
            _fill(explanation)


def _fill(explanation: Explanation) -> None:
    with ui.element("p"):
        ui.html(forecast(explanation.forecast), sanitize=False, tag="span")
    if not explanation.reasons:
        element("p", "You have no ratings yet. This is the forecast for a new user.")
        return
    element("p", "The effect of each of your ratings on this forecast, in stars:").classes("muted")
    largest = max(abs(reason.effect) for reason in explanation.reasons) or 1.0
    with ui.element("ul").classes("reasons"):
        for reason in explanation.reasons:
            _line(reason, largest)


def _line(reason: RatingEffect, largest: float) -> None:
    up = reason.effect >= 0
    with ui.element("li"):
        element("span", reason.movie.title).classes("title")
        element("span", f"you rated it {reason.stars:g}").classes("muted")
        element("b", f"{reason.effect:+.2f}").classes("up" if up else "down")
        bar = ui.element("i").classes("up" if up else "down")
        bar.style(f"width: {abs(reason.effect) / largest:.0%}")
