"""Where questions are answered and ratings are taken: all that the API and the page call.

Its methods belong to the thread of the event loop. Those that only read answer at once; those that
write, or take long, are awaited.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ratecast.modelling.contract.plain_requests import ask
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.queries.top_n import highest
from ratecast.ratings import Scale
from ratecast.serving.catalogue import Id, Movie
from ratecast.serving.errors import Malformed, Unknown, Unsupported
from ratecast.serving.live.state import Live
from ratecast.serving.records import (
    Answer,
    Explanation,
    Export,
    Facts,
    Likeness,
    Rated,
    Reason,
    answers,
)
from ratecast.serving.selection import matching, unlike
from ratecast.serving.store.database import Removed
from ratecast.serving.writer import Ledger, Wish

CHUNK_ROWS = 3_000
CHUNK_PAIRS = 20


class Desk:
    """Answers from `live`, writes through `ledger`.

    Ids may be given as text or number; they are brought to the type of the model's own ids. What
    cannot be done raises a `Refusal`: `Malformed`, `Unknown`, `Unsupported` or `Later`.
    """

    def __init__(self, live: Live, ledger: Ledger, rebuild: Callable[[], Awaitable[None]]) -> None:
        self.live, self.ledger, self._rebuild = live, ledger, rebuild

    @property
    def scale(self) -> Scale:
        """The stars that can be given."""
        return self.live.loaded.model.scale

    @property
    def genres(self) -> list[str]:
        """Every genre that a movie bears."""
        return list(self.live.loaded.catalogue.genres)

    def predict(self, user: Id, movies: Sequence[Id]) -> list[Answer]:
        """A forecast for each movie; a user who is not known is answered as a stranger."""
        who, found = self.live.loaded.user(user), [self.movie(movie) for movie in movies]
        lines = [self.live.loaded.catalogue.line[movie.id] for movie in found]
        return answers(found, self.live.forecast(who, lines), self.scale) if found else []

    async def predict_pairs(self, pairs: Sequence[tuple[Id, Id]]) -> list[tuple[Id, Answer]]:
        """A forecast for each pair of user and movie, and whose it is, in the order asked."""
        loaded, found = self.live.loaded, [self.movie(movie) for _, movie in pairs]
        users = [loaded.user(user) for user, _ in pairs]
        got: list[Answer] = []
        for start in range(0, len(pairs), CHUNK_PAIRS):
            part = slice(start, start + CHUNK_PAIRS)
            asked = ask(loaded.model, users[part], [movie.id for movie in found[part]])
            forecast = loaded.model.calibrate(*asked)
            got += answers(found[part], forecast, self.scale)
            await asyncio.sleep(0)
        return list(zip(users, got, strict=True))

    def recommend(
        self,
        user: Id,
        count: int = 10,
        *,
        genre: str | None = None,
        years: tuple[int | None, int | None] = (None, None),
    ) -> list[Answer]:
        """The movies with the highest expected stars that the user has not rated, best first.

        genre: one of `genres`. years: first and last, both included; None leaves that side open.
        """
        who = self.live.loaded.user(user)
        prospects = self.live.prospects(who)
        allowed = prospects.left & matching(self.live.loaded.catalogue, genre, years)
        return self._best(who, prospects.expected.mean, allowed, count)

    def teach(self, user: Id, count: int = 10) -> list[Answer]:
        """The movies whose rating would teach the model most of this user, best first.

        Those that many know, and of which it is least sure; of movies that are alike, one.
        """
        who = self.live.loaded.user(user)
        prospects, seen = self.live.prospects(who), self.live.loaded.catalogue.seen
        deviation = prospects.expected.deviation
        worth = (1.0 if deviation is None else deviation**2) * np.sqrt(seen)
        allowed = unlike(self.live.loaded.vectors, worth, prospects.left, count)
        return self._best(who, worth, allowed, count)

    def similar(self, movie: Id, count: int = 10) -> list[Likeness]:
        """The movies most alike, by the users who like them, best first."""
        loaded, asked = self.live.loaded, self.movie(movie)
        if loaded.vectors is None:
            raise Unsupported(f"model {loaded.model.name}: has no vectors of movies")
        table = loaded.vectors.similar(asked.id, count)
        return [
            Likeness(self.movie(movie), float(cosine))
            for movie, cosine in zip(table["movie"], table["cosine"], strict=True)
        ]

    async def explain(self, user: Id, movie: Id, count: int = 10) -> Explanation:
        """The user's own ratings that moved a forecast most, each measured by leaving it out."""
        model, who = self.live.loaded.model, self.live.loaded.user(user)
        if not isinstance(model, HistoryModel):
            raise Unsupported(f"model {model.name}: keeps no ratings that could be left out")
        answer, change = self.predict(who, [movie])[0], self.live.changes[who]
        kept = model.history_of(who)
        step = max(1, CHUNK_ROWS // max(len(kept), 1))
        without: list[NDArray[np.float64]] = [np.empty(0)]
        for start in range(0, len(kept), step):
            without.append(model.leave_one_out(who, answer.movie.id, slice(start, start + step)))
            await asyncio.sleep(0)
            if (model, change) != (self.live.loaded.model, self.live.changes[who]):
                return await self.explain(user, movie, count)
        effects = answer.stars - np.concatenate(without)
        most = np.argsort(-np.abs(effects), kind="stable")[:count]
        reasons = [
            Reason(self.movie(kept[row].movie), kept[row].stars, kept[row].at, float(effects[row]))
            for row in most.tolist()
        ]
        return Explanation(answer, reasons)

    def ratings(self, user: Id) -> list[Rated]:
        """The user's ratings that are in force, newest first."""
        who = self.live.loaded.user(user)
        live = self.live.given.get(who, {})
        own = [
            Rated(self._named(movie), float(stars), at, movie in live)
            for movie, (stars, at) in self.live.of(who).items()
        ]
        return sorted(own, key=lambda rated: -(rated.at or 0))

    async def rate(self, user: Id, movie: Id, stars: float) -> Rated:
        """Keep one rating, or change it; in effect in the very next answer. Raises `Later`."""
        return (await self.rate_many(user, {movie: stars}))[0]

    async def rate_many(self, user: Id, stars: Mapping[Id, float]) -> list[Rated]:
        """Keep several ratings of one user: all of them or none."""
        who = self.live.loaded.user(user)
        given = {self.movie(movie).id: self._star(value) for movie, value in stars.items()}
        await self._write(Wish(who, given))
        kept = self.live.given.get(who, {})
        return [
            Rated(self._named(movie), value, kept[movie].at if movie in kept else None, True)
            for movie, value in given.items()
        ]

    async def unrate(self, user: Id, movie: Id) -> None:
        """Take a rating back: every later answer is as if it had never been given."""
        who, asked = self.live.loaded.user(user), self.live.loaded.movie(movie)
        if asked not in self.live.of(who):
            raise Unknown(f"user {who!r} has no rating of movie {asked!r}", "movie")
        await self._write(Wish(who, remove=(asked,)))

    async def export(self, user: Id) -> Export:
        """Everything that is known of a user."""
        who = self.live.loaded.user(user)
        at = await self.ledger.run(self.ledger.store.registered_at, str(who))
        return Export(who, at, self.ratings(who), self.live.loaded.side(who))

    async def forget(self, user: Id) -> None:
        """Delete all that is known of a user; later answers are those of a stranger."""
        await self._write(Wish(self.live.loaded.user(user), forget=True))

    async def new_user(self) -> Id:
        """An id that nobody has yet."""
        who = self.live.next_user()
        await self._write(Wish(who, register=True))
        return who

    def search(self, text: str, count: int = 10) -> list[Movie]:
        """Movies by title: the beginning of it, some of its words, or nearly so."""
        return self.live.loaded.catalogue.search(text, count)

    def movie(self, movie: Id) -> Movie:
        """The facts of one movie. Raises `Unknown`."""
        asked = self.live.loaded.movie(movie)
        catalogue = self.live.loaded.catalogue
        if asked not in catalogue.line:
            raise Unknown(f"movie {asked!r} is not known to this model", "movie")
        return catalogue.movies[catalogue.line[asked]]

    def facts(self) -> Facts:
        """Which model serves, and what it knows."""
        loaded = self.live.loaded
        users, movies = len(loaded.model.users) - 1, len(loaded.catalogue)
        stars = self.scale.stars.tolist()
        return Facts(
            loaded.model.name, loaded.name, stars, users, movies, self.genres, loaded.heard_to
        )

    async def _write(self, wish: Wish) -> None:
        """Durable, and in effect: a model that cannot take a rating back is made ready anew."""
        events = await self.ledger.write(wish)
        if not self.live.loaded.recalls and any(isinstance(e, Removed) for e in events):
            await self._rebuild()

    def _named(self, movie: Id) -> Movie:
        catalogue = self.live.loaded.catalogue
        line = catalogue.line.get(movie)
        return Movie(movie, str(movie), None, (), 0) if line is None else catalogue.movies[line]

    def _star(self, stars: float) -> float:
        place = (stars - self.scale.low) / self.scale.step
        inside = self.scale.low - 1e-6 <= stars <= self.scale.high + 1e-6
        if not inside or abs(place - round(place)) > 1e-4:
            raise Malformed(f"stars {stars:g}: not on the scale {self.scale}", "stars")
        return float(self.scale.stars[round(place)])

    def _best(
        self, user: Id, worth: NDArray[np.float64], allowed: NDArray[np.bool_], count: int
    ) -> list[Answer]:
        """The `count` best of the allowed movies."""
        lines = highest(worth, allowed, count).tolist()
        movies = [self.live.loaded.catalogue.movies[line] for line in lines]
        return answers(movies, self.live.forecast(user, lines), self.scale) if lines else []
