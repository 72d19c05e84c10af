"""How well the service forecasts here: the scores of the ratings that it got."""

from nicegui import ui

from ratecast.serving.page.layout import element
from ratecast.serving.page.session import Visitor
from ratecast.serving.quality.scores import ALL, Figures
from ratecast.serving.quality_report import Quality, quality_of

# Of each slice, what the line is called.
LINES = {
    ALL: "all",
    "history-0": "first ratings of a user",
    "history-1-5": "after 1 to 5 ratings",
    "history-6-20": "after 6 to 20",
    "history-over-20": "after more than 20",
}
# Of each figure, heading, note and digits.
COLUMNS = {
    "n": ("ratings", "scored", 0),
    "rmse": ("RMSE", "stars", 3),
    "mae": ("MAE", "stars", 3),
    "nll": ("NLL", "nats", 3),
    "ece": ("ECE", "calibration", 4),
    "coverage": ("in 80 %", "coverage", 3),
    "drift": ("drift", "given less forecast", 3),
}


def section(visitor: Visitor) -> None:
    """The scores of the newest ratings, of all, and of a shadow beside the served model."""
    found = quality_of(visitor.service.live)
    with ui.element("section").classes("card quality"):
        element("h2", "How well it forecasts here")
        if not found.all:
            element(
                "p",
                "Each rating given here is compared with the forecast made before it. None yet.",
            ).classes("muted")
            return
        element("p", _summary(found)).classes("muted")
        newest = found.window[ALL].n
        _table(f"The newest {newest:,} ratings", found.window)
        if found.all[ALL].n > newest:
            _table("All ratings given here", found.all)
        if found.shadow is not None and found.shadow.shadow:
            _table(f"The shadow, {found.shadow.model}", found.shadow.shadow)
            _table(f"{found.model}, on the same ratings", found.shadow.served)


def _summary(found: Quality) -> str:
    text = "Each rating given here is compared with the forecast made before it."
    if found.band is None:
        return text
    where = "within" if found.band.holds else "outside"
    low, high = f"{found.band.low:.3f}", f"{found.band.high:.3f}"
    return f"{text} The RMSE is {where} its band, {low} to {high} stars."


def _table(title: str, slices: dict[str, Figures]) -> None:
    element("h3", title)
    scroll = ui.element("div").classes("scroll")
    scroll.props('tabindex="0" role="region"')
    scroll.props["aria-label"] = title
    with scroll, ui.element("table"):
        element("caption", title).classes("only")
        with ui.element("thead"), ui.element("tr"):
            element("th", "history").props('scope="col"')
            for heading, note, _ in COLUMNS.values():
                with ui.element("th").props('scope="col"'):
                    element("span", heading)
                    element("small", note)
        with ui.element("tbody"):
            for name, figures in slices.items():
                with ui.element("tr"):
                    element("th", LINES[name]).props('scope="row"')
                    for column, (_, _, digits) in COLUMNS.items():
                        element("td", f"{getattr(figures, column):,.{digits}f}")
