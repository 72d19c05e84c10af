"""Why a forecast is what it is: the ratings that moved it, each measured by leaving it out."""

from nicegui import ui

from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import Refusal
from ratecast.serving.page.layout import button, said, sentence
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import forecast
from ratecast.serving.records import Explanation, Reason

MOST = 8


async def why(visitor: Visitor, movie: Movie) -> None:
    """Open a dialog over the page, and fill it when it is measured."""
    with ui.dialog() as dialog, ui.element("div").classes("sheet"):
        said("h2", f"Why this forecast for {movie.title}?").props('id="why" tabindex="-1"')
        place = ui.element("div").props('aria-live="polite"')
        button("Close", dialog.close, quiet=False)
    dialog.props('aria-labelledby="why"').on("hide", dialog.delete)
    with place:
        said("p", "Leaving out each of your ratings in turn …").classes("muted")
    dialog.open()
    try:
        found = await visitor.desk.explain(visitor.asks_as, movie.id, MOST)
    except Refusal as error:
        place.clear()
        with place:
            said("p", sentence(error))
        return
    if not dialog.is_deleted:
        place.clear()
        with place:
            _told(found)


def _told(found: Explanation) -> None:
    with ui.element("p"):
        ui.html(forecast(found.answer), sanitize=False, tag="span")
    if not found.reasons:
        said("p", "You have rated nothing yet: this is what is expected of anybody.")
        return
    said("p", "Without a rating, the forecast would be so many stars lower or higher:").classes(
        "muted"
    )
    most = max(abs(reason.effect) for reason in found.reasons) or 1.0
    with ui.element("ul").classes("reasons"):
        for reason in found.reasons:
            _line(reason, most)


def _line(reason: Reason, most: float) -> None:
    up = reason.effect >= 0
    with ui.element("li"):
        said("span", reason.movie.title).classes("title")
        said("span", f"you gave {reason.stars:g}").classes("muted")
        said("b", f"{reason.effect:+.2f}").classes("up" if up else "down")
        bar = ui.element("i").classes("up" if up else "down")
        bar.style(f"width: {abs(reason.effect) / most:.0%}")
