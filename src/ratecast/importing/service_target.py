"""A running service, which takes the ratings for one of its users by its HTTP API."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from ratecast.data.titles import TITLE, YEAR
from ratecast.errors import InputError
from ratecast.exports.catalogue_index import given_title
from ratecast.exports.changes import MOST_ENTRIES, Changes
from ratecast.exports.star_quantiles import StarDistribution
from ratecast.importing.client import Client, UserClient
from ratecast.importing.target import Id, Rated, require_titles
from ratecast.ratings import MOVIE, Scale
from ratecast.visible_text import counted


class ServiceTarget:
    """The service at the address of `client`.

    user: whose ratings they are; None registers a new user with the first rating. Ratings that the
    service has already are not sent again; none is ever removed. add: also to a user with ratings
    of movies that are not among those given, who may be another person.
    """

    def __init__(self, client: Client, user: Id | None = None, *, add: bool = False) -> None:
        self.client, self.user, self.add = client, user, add

    @cached_property
    def movies(self) -> pl.DataFrame:
        """The catalogue of the service."""
        found = self.client.get("catalogue")["movies"]
        if not found:
            raise InputError(f"{self.client.url}: its catalogue is empty; publish another model")
        titles = [given_title(movie["id"], movie["title"]) for movie in found]
        require_titles(self.client.url, (TITLE,) if any(titles) else ())
        return pl.DataFrame(
            {
                MOVIE: [movie["id"] for movie in found],
                TITLE: pl.Series(titles, dtype=pl.String),
                YEAR: pl.Series([movie["year"] for movie in found], dtype=pl.Int32),
            }
        )

    @cached_property
    def stars(self) -> StarDistribution:
        """How often each star is given in the training ratings of the served model."""
        model = self.client.get("model")
        stars = model["scale"]
        scale = Scale(stars[0], stars[-1], round(stars[1] - stars[0], 6))
        return StarDistribution(scale, np.array(model["star_shares"]))

    def rate(self, ratings: pl.DataFrame) -> Rated:
        """Send what is new or changed, a thousand ratings at a time.

        Raises `InputError` for a user who has other ratings, unless `add` allows it.
        """
        token = None
        if self.user is None:
            made = self.client.post("users")
            self.user, token = made["user"], made["token"]
        present = self._present()
        others = self._others(present, set(ratings[MOVIE].to_list()))
        found = Changes.of(ratings, present)
        for part in found.parts():
            entries = [{"movie": movie, "stars": stars} for movie, stars in part.items()]
            self._own.post("ratings/many", {"ratings": entries})
        new, changed = len(found.new), len(found.changed)
        return Rated(self.user, new, changed, found.unchanged, token, others)

    def best(self, count: int) -> pl.DataFrame:
        """The best movies that the person has not rated."""
        found = self._own.get("recommendations", n=count)["forecasts"]
        return _table(found).select(pl.exclude("^p_.*$"))

    def forecasts(self, among: pl.Series | None = None) -> pl.DataFrame:
        """The forecasts of movies that the person has not rated, best first."""
        rated, known = self._present(), self.movies[MOVIE] if among is None else among
        movies = [movie for movie in known.to_list() if movie not in rated]
        found: list[dict[str, Any]] = []
        for start in range(0, len(movies), MOST_ENTRIES):
            part = movies[start : start + MOST_ENTRIES]
            pairs = [{"user": self.user, "movie": movie} for movie in part]
            answer = self.client.post("predict", {"requests": pairs})
            found += [each["forecast"] for each in answer["forecasts"]]
        return _table(sorted(found, key=lambda forecast: -forecast["stars"]))

    @property
    def _own(self) -> UserClient:
        if self.user is None:
            raise ValueError("rate first: the user is not registered yet")
        return self.client.of_user(self.user)

    def _others(self, present: Mapping[Id, float], movies: set[Id]) -> int:
        """How many ratings the user has of movies that are not among these.

        The service does not list the ratings of the training table for every model, but its
        forecasts say how many of the user's ratings they rest on.
        """
        pair = {"user": self.user, "movie": self.movies[MOVIE][0]}
        forecast = self.client.post("predict", {"requests": [pair]})["forecasts"][0]["forecast"]
        known = max(len(present), int(forecast["history_length"]))
        others = known - len(present.keys() & movies)
        if others and not self.add:
            raise InputError(
                f"user {self.user}: has {counted(known, 'rating')} in the service, {others:,} of "
                "them not in these files, and so may be another person; add --add if it is you, or "
                "leave --user out to be a new user"
            )
        return others

    def _present(self) -> dict[Id, float]:
        found = self._own.get("ratings")
        self.user = found["user"]
        return {rating["movie"]["id"]: rating["stars"] for rating in found["ratings"]}


def _table(forecasts: list[dict[str, Any]]) -> pl.DataFrame:
    """Columns rank, movie, title, stars, low, high, and p_ with each star, of forecasts in JSON."""
    if not forecasts:
        return pl.DataFrame(schema=["rank", MOVIE, TITLE, "stars", "low", "high"])
    return pl.DataFrame(
        [
            {
                "rank": rank,
                MOVIE: each["movie"]["id"],
                TITLE: each["movie"]["title"],
                "stars": each["stars"],
                "low": each["interval"][0],
                "high": each["interval"][1],
                **{f"p_{star}": share for star, share in each["probabilities"].items()},
            }
            for rank, each in enumerate(forecasts, 1)
        ],
        infer_schema_length=None,
    )
