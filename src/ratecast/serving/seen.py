"""Movies that a user has seen without rating them: they are no longer recommended."""

import time

from ratecast.ids import Id
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import NotFoundError
from ratecast.serving.service import RatingService
from ratecast.serving.store.seen import SeenMark, add_mark, remove_mark


async def mark_seen(service: RatingService, user: Id, movie: Id) -> Movie:
    """The user has seen the movie; durable on return. Raises `NotFoundError`."""
    user_id, record = service.live.served.user(user), service.movie(movie)
    mark = SeenMark(str(user_id), str(record.id), int(time.time()))
    await service.writer.run(add_mark, service.writer.store.engine, mark)
    service.live.mark_seen(user_id, record.id)
    return record


async def unmark_seen(service: RatingService, user: Id, movie: Id) -> None:
    """Take back that the user has seen the movie. Raises `NotFoundError` where nothing is said."""
    user_id, movie_id = service.live.served.user(user), service.live.served.movie(movie)
    if movie_id not in service.live.seen.get(user_id, ()):
        raise NotFoundError(f"user {user_id!r} has no mark of movie {movie_id!r}", "movie")
    engine = service.writer.store.engine
    await service.writer.run(remove_mark, engine, str(user_id), str(movie_id))
    service.live.unmark_seen(user_id, movie_id)
