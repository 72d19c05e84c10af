"""View of one movie: your rating, all ratings, similar movies."""

from html import escape

import numpy as np
from nicegui import ui

from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import RequestError
from ratecast.serving.page.layout import element, link, sentence
from ratecast.serving.page.rating_card import RatingCard, facts, path
from ratecast.serving.page.seen_button import SeenButton
from ratecast.serving.page.session import UNKNOWN_USER, Visitor
from ratecast.serving.page.stars import forecast
from ratecast.serving.user_replay import star_counts

SIMILAR = 10


async def view(visitor: Visitor, movie_id: str) -> None:
    """The page of one movie. Raises `NotFoundError`."""
    movie = visitor.service.movie(movie_id)
    with ui.element("div").classes("hello"):
        element("h1", movie.title)
        element("p", facts(movie))
    with ui.element("div").classes("columns"):
        with ui.element("section").classes("card"):
            element("h2", "You")
            if visitor.may_rate:
                with ui.element("div"):

                    def changed() -> None:
                        seen.draw()

                    RatingCard(visitor, movie, changed, bare=True)
                    seen = SeenButton(visitor, movie)
            else:
                link("Enter your token to rate", "/").classes("button")
        with ui.element("section").classes("card"):
            element("h2", "All users")
            _all_users(visitor, movie)
    with ui.element("section"):
        element("h2", "Liked by the same people")
        _similar(visitor, movie)


def _all_users(visitor: Visitor, movie: Movie) -> None:
    service = visitor.service
    counts = star_counts(service, movie.id)
    total: int = sum(counts or [])
    if counts is not None and total:
        stars = service.scale.stars
        mean = float(np.dot(stars, counts) / total)
        number = "1 rating" if total == 1 else f"{total:,} ratings"
        element("p", f"{number}, {mean:.2f} stars on average").classes("muted")
        bars = service.scale.shown(np.array(counts)).tolist()
        ui.html(_bars(service.scale.labels, bars), sanitize=False)
    elif counts is not None:
        element("p", "No ratings yet.").classes("empty")
    else:
        new_user = service.predict(UNKNOWN_USER, [movie.id])[0]
        element("p", "This model keeps no ratings. Forecast for a new user:").classes("muted")
        ui.html(forecast(new_user), sanitize=False, tag="span")


def _bars(labels: list[str], counts: list[int]) -> str:
    largest = max(counts)
    lines = "".join(
        f'<tr><th scope="row">{label}<span class="only"> stars</span></th><td class="bar">'
        f'<i style="width:{count / largest:.1%}"></i></td><td>{count:,}</td></tr>'
        for label, count in reversed(list(zip(labels, counts, strict=True)))
    )
    return f'<table class="given"><caption class="only">Ratings by stars</caption>{lines}</table>'


def _similar(visitor: Visitor, movie: Movie) -> None:
    try:
        movies = visitor.service.similar(movie.id, SIMILAR)
    except RequestError as error:
        element("p", visitor.items.worded(sentence(error))).classes("empty")
        return
    text = f"A longer bar means that more of the same people like both {visitor.items.many}."
    element("p", text).classes("muted")
    with ui.element("ul").classes("similar"):
        for each in movies:
            with ui.element("li"):
                link(each.movie.title, path(each.movie.id)).classes("title")
                share = max(each.cosine, 0.0)
                label = escape(f"cosine similarity {each.cosine:.2f}")
                ui.html(
                    f'<span class="meter" role="img" aria-label="{label}" title="{label}">'
                    f'<i style="width:{share:.0%}"></i></span>',
                    sanitize=False,
                    tag="span",
                )
