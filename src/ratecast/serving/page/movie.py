"""One movie: its facts, your stars, what everybody gave, and what is like it."""

from html import escape

import numpy as np
from nicegui import ui

from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import Refusal
from ratecast.serving.page.layout import link, said, sentence
from ratecast.serving.page.rating_card import Giving, facts, path
from ratecast.serving.page.session import STRANGER, Visitor
from ratecast.serving.page.stars import forecast
from ratecast.serving.user_replay import given_to

ALIKE = 10


async def view(visitor: Visitor, asked: str) -> None:
    """The page of one movie. Raises `Unknown`."""
    movie = visitor.desk.movie(asked)
    with ui.element("div").classes("hello"):
        said("h1", movie.title)
        said("p", facts(movie))
    with ui.element("div").classes("columns"):
        with ui.element("section").classes("card"):
            said("h2", "You")
            if visitor.may_rate:
                with ui.element("div"):
                    Giving(visitor, movie, lambda: None, bare=True)
            else:
                link("Give your token to rate", "/").classes("button")
        with ui.element("section").classes("card"):
            said("h2", "Everybody")
            _everybody(visitor, movie)
    with ui.element("section"):
        said("h2", "Liked by the same people")
        _alike(visitor, movie)


def _everybody(visitor: Visitor, movie: Movie) -> None:
    desk = visitor.desk
    counts = given_to(desk, movie.id)
    total: int = sum(counts or [])
    if counts is not None and total:
        stars = desk.scale.stars
        mean = float(np.dot(stars, counts) / total)
        number = "1 rating" if total == 1 else f"{total:,} ratings"
        said("p", f"{number}, {mean:.2f} stars on average").classes("muted")
        ui.html(_bars(stars.tolist(), counts), sanitize=False)
    elif counts is not None:
        said("p", "Nobody has rated it yet.").classes("empty")
    else:
        answer = desk.predict(STRANGER, [movie.id])[0]
        said("p", "This model keeps no ratings. To a stranger it says:").classes("muted")
        ui.html(forecast(answer), sanitize=False, tag="span")


def _bars(stars: list[float], counts: list[int]) -> str:
    most = max(counts)
    lines = "".join(
        f'<tr><th scope="row">{star:g}<span class="only"> stars</span></th><td class="bar">'
        f'<i style="width:{count / most:.1%}"></i></td><td>{count:,}</td></tr>'
        for star, count in reversed(list(zip(stars, counts, strict=True)))
    )
    return f'<table class="given"><caption class="only">Ratings by stars</caption>{lines}</table>'


def _alike(visitor: Visitor, movie: Movie) -> None:
    try:
        found = visitor.desk.similar(movie.id, ALIKE)
    except Refusal as error:
        said("p", sentence(error)).classes("empty")
        return
    said("p", "The longer the bar, the more do the same people like both.").classes("muted")
    with ui.element("ul").classes("alike"):
        for each in found:
            with ui.element("li"):
                link(each.movie.title, path(each.movie.id)).classes("title")
                share = max(each.cosine, 0.0)
                words = escape(f"alike: {each.cosine:.2f} of 1")
                ui.html(
                    f'<span class="meter" role="img" aria-label="{words}" title="{words}">'
                    f'<i style="width:{share:.0%}"></i></span>',
                    sanitize=False,
                    tag="span",
                )
