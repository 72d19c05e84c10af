"""The rating service: every operation that the API and the page call.

All methods run in the thread of the event loop. Methods that write, or take long, are coroutines.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ratecast.ids import Id, Written
from ratecast.modelling.contract.plain_requests import predict_pairs
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.queries.top_n import highest
from ratecast.ratings import Scale
from ratecast.serving.catalogue import Movie
from ratecast.serving.errors import InvalidValueError, NotFoundError, UnsupportedError
from ratecast.serving.live.state import LiveState
from ratecast.serving.records import (
    Explanation,
    ModelInfo,
    MovieForecast,
    RatingEffect,
    SimilarMovie,
    UserExport,
    UserRating,
    movie_forecasts,
)
from ratecast.serving.selection import among, diverse, matching
from ratecast.serving.store.database import RemovalEvent
from ratecast.serving.writer import GroupCommitWriter, WriteRequest

# Between two chunks, other requests get their turn on the event loop.
CHUNK_ROWS = 3_000
CHUNK_PAIRS = 20


class RatingService:
    """Predicts with the model in `live`, writes through `writer`.

    rebuild: loads the model again after a rating was deleted. Ids may be text or numbers; they are
    converted to the type of the model's ids. Raises subclasses of `RequestError`.
    """

    def __init__(
        self, live: LiveState, writer: GroupCommitWriter, rebuild: Callable[[], Awaitable[None]]
    ) -> None:
        self.live, self.writer, self._rebuild = live, writer, rebuild

    @property
    def scale(self) -> Scale:
        """The rating scale."""
        return self.live.served.model.scale

    @property
    def genres(self) -> list[str]:
        """All genres of the catalogue."""
        return list(self.live.served.catalogue.genres)

    def predict(self, user: Id, movies: Sequence[Id]) -> list[MovieForecast]:
        """A forecast for each movie; an unknown user gets the forecast for a new user."""
        user_id, known = self.live.served.user(user), [self.movie(movie) for movie in movies]
        lines = [self.live.served.catalogue.line[movie.id] for movie in known]
        if not known:
            return []
        return movie_forecasts(known, self.live.forecast(user_id, lines), self.scale)

    async def predict_pairs(
        self, pairs: Sequence[tuple[Written, Written]]
    ) -> list[tuple[Id, MovieForecast]]:
        """The user and the forecast of each pair of user and movie, in the order of `pairs`."""
        served, movies = self.live.served, [self.movie(movie) for _, movie in pairs]
        users = [served.user(user) for user, _ in pairs]
        records: list[MovieForecast] = []
        for start in range(0, len(pairs), CHUNK_PAIRS):
            part = slice(start, start + CHUNK_PAIRS)
            ids = [movie.id for movie in movies[part]]
            expected = predict_pairs(served.model, users[part], ids)
            forecast = served.model.calibrate(*expected)
            records += movie_forecasts(movies[part], forecast, self.scale)
            await asyncio.sleep(0)
        return list(zip(users, records, strict=True))

    def recommend(
        self,
        user: Id,
        count: int = 10,
        *,
        genre: str | None = None,
        years: tuple[int | None, int | None] = (None, None),
        movies: Sequence[Written] | None = None,
    ) -> list[MovieForecast]:
        """The top-N movies by expected stars that the user has neither rated nor seen, best first.

        genre: one of `genres`. years: first and last year, both included; None is no bound. movies:
        the only candidates; None is the catalogue.
        """
        user_id = self.live.served.user(user)
        scores = self.live.catalogue_scores(user_id)
        allowed = scores.unseen & matching(self.live.served.catalogue, genre, years)
        allowed &= among(self.live.served, movies)
        return self._top_n(user_id, scores.expected.mean, allowed, count)

    def suggest(self, user: Id, count: int = 10) -> list[MovieForecast]:
        """Movies whose rating would be most informative about this user, best first.

        Score: predictive variance * √(number of ratings of the movie), so that the user is likely
        to know the movie. Of movies with similar factors, one is chosen.
        """
        user_id, served = self.live.served.user(user), self.live.served
        scores = self.live.catalogue_scores(user_id)
        deviation = scores.expected.deviation
        variance = 1.0 if deviation is None else deviation**2
        information = variance * np.sqrt(served.catalogue.seen)
        allowed = diverse(served.vectors, information, scores.unseen, count)
        return self._top_n(user_id, information, allowed, count)

    def similar(self, movie: Id, count: int = 10) -> list[SimilarMovie]:
        """The movies with the highest cosine similarity of their factors, best first."""
        served, movie_id = self.live.served, self.movie(movie).id
        if served.vectors is None:
            raise UnsupportedError(f"model {served.model.name}: has no movie factors")
        table = served.vectors.similar(movie_id, count)
        return [
            SimilarMovie(self.movie(other), float(cosine))
            for other, cosine in zip(table["movie"], table["cosine"], strict=True)
        ]

    async def explain(self, user: Id, movie: Id, count: int = 10) -> Explanation:
        """The user's ratings with the largest effect on a forecast, by leave-one-out.

        Effect of rating i: expected stars with all ratings - expected stars without rating i.
        Starts again if the model or the user's ratings change meanwhile.
        """
        model, user_id = self.live.served.model, self.live.served.user(user)
        if not isinstance(model, HistoryModel):
            raise UnsupportedError(f"model {model.name}: keeps no ratings that could be left out")
        forecast, version = self.predict(user_id, [movie])[0], self.live.changes[user_id]
        ratings = model.history_of(user_id)
        step = max(1, CHUNK_ROWS // max(len(ratings), 1))
        left_out: list[NDArray[np.float64]] = [np.empty(0)]
        for start in range(0, len(ratings), step):
            part = slice(start, start + step)
            left_out.append(model.leave_one_out(user_id, forecast.movie.id, part))
            await asyncio.sleep(0)
            if (model, version) != (self.live.served.model, self.live.changes[user_id]):
                return await self.explain(user, movie, count)
        effects = forecast.stars - np.concatenate(left_out)
        largest = np.argsort(-np.abs(effects), kind="stable")[:count]
        reasons = [
            RatingEffect(self.movie(rating.movie), rating.stars, rating.at or None, effect)
            for rating, effect in ((ratings[row], float(effects[row])) for row in largest.tolist())
        ]
        return Explanation(forecast, reasons)

    def ratings(self, user: Id) -> list[UserRating]:
        """The user's current ratings, newest first."""
        user_id = self.live.served.user(user)
        given = self.live.given.get(user_id, {})
        records = [
            UserRating(self._movie_record(movie), float(stars), at, movie in given)
            for movie, (stars, at) in self.live.ratings_of(user_id).items()
        ]
        return sorted(records, key=lambda rating: -(rating.at or 0))

    async def rate(self, user: Written, movie: Written, stars: float) -> UserRating:
        """Add or change a rating; the next forecast uses it. Raises `UnavailableError`."""
        return (await self.rate_many(user, [(movie, stars)]))[0]

    async def rate_many(
        self, user: Written, ratings: Sequence[tuple[Written, float]]
    ) -> list[UserRating]:
        """Add or change several ratings of one user: all or none. ratings: movie and stars each."""
        user_id = self.live.served.user(user)
        given = {self.movie(movie).id: self._on_scale(stars) for movie, stars in ratings}
        if len(given) < len(ratings):
            raise InvalidValueError("ratings: a movie occurs twice", "ratings")
        await self._write(WriteRequest(user_id, given))
        stored = self.live.given.get(user_id, {})
        return [
            UserRating(
                self._movie_record(movie),
                value,
                stored[movie].at if movie in stored else None,
                True,
            )
            for movie, value in given.items()
        ]

    async def delete_rating(self, user: Id, movie: Id) -> None:
        """Delete a rating: later forecasts are as if it had never been given."""
        user_id, movie_id = self.live.served.user(user), self.live.served.movie(movie)
        if movie_id not in self.live.ratings_of(user_id):
            raise NotFoundError(f"user {user_id!r} has no rating of movie {movie_id!r}", "movie")
        await self._write(WriteRequest(user_id, remove=(movie_id,)))

    async def export(self, user: Id) -> UserExport:
        """All data of a user."""
        user_id = self.live.served.user(user)
        at = await self.writer.run(self.writer.store.registered_at, str(user_id))
        side_information = self.live.served.side_information(user_id)
        seen = [self._movie_record(movie) for movie in self.live.seen.get(user_id, ())]
        return UserExport(user_id, at, self.ratings(user_id), side_information, seen)

    async def forget(self, user: Id) -> None:
        """Delete all data of a user; later forecasts are those for a new user.

        Of one whom neither the store nor a model knows there is nothing to delete, and nothing is
        written.
        """
        user_id, store = self.live.served.user(user), self.writer.store
        if self.live.may_know(user_id) or await self.writer.run(store.knows, str(user_id)):
            await self._write(WriteRequest(user_id, forget=True))

    async def new_user(self) -> Id:
        """Register a new user: an id that was never used."""
        user_id = self.live.next_user()
        await self._write(WriteRequest(user_id, register=True))
        return user_id

    def search(self, text: str, count: int = 10) -> list[Movie]:
        """Movies by title: exact, prefix, words, or approximate match."""
        return self.live.served.catalogue.search(text, count)

    def movie(self, movie: Written) -> Movie:
        """The record of one movie. Raises `NotFoundError`."""
        movie_id = self.live.served.movie(movie)
        catalogue = self.live.served.catalogue
        if movie_id not in catalogue.line:
            raise NotFoundError(f"movie {movie_id!r} is not known to this model", "movie")
        return catalogue.movies[catalogue.line[movie_id]]

    def catalogue(self) -> list[Movie]:
        """All movies of the catalogue."""
        return self.live.served.catalogue.movies

    def model_info(self) -> ModelInfo:
        """The served model, and what it knows."""
        served = self.live.served
        users, movies = len(served.model.users) - 1, len(served.catalogue)
        scale, counts = self.scale, served.stars.counts
        stars = [scale.low, scale.high] if scale.is_continuous else scale.stars.tolist()
        shares = (counts / counts.sum()).tolist()
        about = (stars, shares, users, movies, self.genres, served.last_seq, scale.is_continuous)
        return ModelInfo(served.model.name, served.name, *about)

    async def _write(self, request: WriteRequest) -> None:
        """Commit and apply. A model that cannot unlearn a deleted rating is rebuilt first."""
        events = await self.writer.write(request)
        deleted = any(isinstance(event, RemovalEvent) for event in events)
        if deleted and not self.live.served.keeps_ratings:
            await self._rebuild()

    def _movie_record(self, movie: Id) -> Movie:
        """The record of a movie; a bare one if the catalogue does not have it."""
        catalogue = self.live.served.catalogue
        line = catalogue.line.get(movie)
        return Movie(movie, str(movie), None, (), 0) if line is None else catalogue.movies[line]

    def _on_scale(self, stars: float) -> float:
        """The rating of the scale. Raises `InvalidValueError` where there is none."""
        rating = self.scale.nearest(stars)
        if rating is None:
            raise InvalidValueError(f"stars {stars:g}: not on the scale {self.scale}", "stars")
        return rating

    def _top_n(
        self, user_id: Id, scores: NDArray[np.float64], allowed: NDArray[np.bool_], count: int
    ) -> list[MovieForecast]:
        """Forecasts for the `count` allowed movies with the highest scores, best first."""
        lines = highest(scores, allowed, count).tolist()
        if not lines:
            return []
        movies = [self.live.served.catalogue.movies[line] for line in lines]
        return movie_forecasts(movies, self.live.forecast(user_id, lines), self.scale)
