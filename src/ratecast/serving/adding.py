"""Movies that are new to the service: stored, then known to the model and in every list at once."""

import secrets
from dataclasses import replace

from ratecast.errors import InputError
from ratecast.ids import Id, Written
from ratecast.queries.title_lookup import unused_id
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import InvalidValueError
from ratecast.serving.live.movie_columns import require_fitting
from ratecast.serving.service import RatingService
from ratecast.serving.store.new_movies import NewMovie, add_movie, stored_movies


async def add(service: RatingService, described: NewMovie, wanted: Written | None = None) -> Movie:
    """Store a movie, durable on return, and add it to the served model.

    described: its id does not count. wanted: its id; None: the next free number, or a random text.
    Raises `InvalidValueError` for an id that is taken, or a column that does not fit the model.
    """
    writer = service.writer
    while True:
        served = service.live.served
        try:
            require_fitting(described, served.model.movies.described)
        except InputError as error:
            raise InvalidValueError(str(error), "columns") from None
        movie = _free_id(service) if wanted is None else served.movie(wanted)
        new = replace(described, movie=str(movie))
        known = movie in served.catalogue.line
        if not known and await writer.run(add_movie, writer.store.lock, new):
            service.live.add_movies([new])
            return service.movie(movie)
        # Taken by a request of the same moment, or by one whose client got no answer.
        service.live.add_movies(await writer.run(stored_movies, writer.store.engine))
        if wanted is not None:
            raise InvalidValueError(f"movie {movie!r}: this id is taken; give another", "id")


def _free_id(service: RatingService) -> Id:
    movies = service.live.served.model.movies
    if movies.as_text:
        return f"m{secrets.token_hex(8)}"
    return unused_id(movies)
