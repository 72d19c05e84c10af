"""Dialog that explains a forecast: the effect of each rating, by leave-one-out.

A model that keeps no ratings says what it knows of the user and of the movie.
"""

from nicegui import ui

from ratecast.serving.bias_terms import BiasTerms, bias_terms
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import RequestError, UnsupportedError
from ratecast.serving.item_words import ItemWord
from ratecast.serving.page.layout import button, element, sentence
from ratecast.serving.page.session import Visitor
from ratecast.serving.page.stars import forecast
from ratecast.serving.records import Explanation, RatingEffect

COUNT = 8
# In stars; what is less is not shown.
LEAST = 0.005


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
    except UnsupportedError:
        place.clear()
        with place:
            _fill_terms(visitor, movie)
        return
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


def _fill_terms(visitor: Visitor, movie: Movie) -> None:
    """The terms of the forecast, as sentences and as a sum."""
    service, word = visitor.service, visitor.items
    user = visitor.forecast_user
    terms = bias_terms(service, user, movie.id)
    with ui.element("p"):
        found = service.predict(user, [movie.id])[0]
        ui.html(forecast(found), sanitize=False, tag="span")
    if not service.live.ratings_of(user):
        element("p", "You have no ratings yet. This is the forecast for a new user.")
    for text in sentences(terms, word):
        element("p", text)
    text = f"This model keeps no ratings, so it cannot say which of yours counts. {as_sum(terms)}"
    element("p", text).classes("muted")


def sentences(terms: BiasTerms, word: ItemWord) -> list[str]:
    """What the user gives, what the item gets, and what both do together, against others."""
    own = [_than(terms.user, "You give {} others.")] if abs(terms.user) >= LEAST else []
    its = _than(terms.movie, f"This {word.one} gets {{}} other {word.many}.")
    if abs(terms.both) < LEAST:
        return [*own, its]
    side = "more" if terms.both > 0 else "less"
    both = f"For you and this {word.one} together it is {abs(terms.both):.2f} {side}."
    return [*own, its, both]


def as_sum(terms: BiasTerms) -> str:
    """The forecast as a sum, in stars."""
    parts = "".join(f" {each:+.2f}" for each in (terms.user, terms.movie, terms.both))
    shown = parts.replace(" +", " + ").replace(" -", " - ")
    total = terms.start + terms.user + terms.movie + terms.both
    return f"In stars: {terms.start:.2f}{shown} = {total:.2f}."


def _than(term: float, text: str) -> str:
    if abs(term) < LEAST:
        return text.format("as much as")
    return text.format(f"{abs(term):.2f} {'more' if term > 0 else 'less'} than")


def _line(reason: RatingEffect, largest: float) -> None:
    up = reason.effect >= 0
    with ui.element("li"):
        element("span", reason.movie.title).classes("title")
        element("span", f"you rated it {reason.stars:g}").classes("muted")
        element("b", f"{reason.effect:+.2f}").classes("up" if up else "down")
        bar = ui.element("i").classes("up" if up else "down")
        bar.style(f"width: {abs(reason.effect) / largest:.0%}")
