"""The tools: each asks the service one question."""

from typing import Annotated, Any

from pydantic import Field

from ratecast.assistants.answers import (
    Explanation,
    Forecasts,
    Movies,
    Rated,
    Scale,
    Together,
)
from ratecast.assistants.client import AsyncClient
from ratecast.queries.together import LEAST_USERS, MOST_USERS, Measure

User = Annotated[
    int | str, Field(description="id of the user; one that is not known is a new user")
]
Movie = Annotated[int | str, Field(description="id of the movie, as the tool search gives it")]
Count = Annotated[int, Field(ge=1, le=100, description="how many, at most: 1 to 100")]
Year = Annotated[int | None, Field(ge=0, le=9999)]


class Tools:
    """What an assistant can ask of a service; each method is a tool, whose docstring it reads."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._known_scale: Scale | None = None

    async def search(
        self,
        words: Annotated[str, Field(min_length=1, max_length=200, description="of the title")],
        n: Count = 10,
    ) -> Movies:
        """Find movies by words of their titles, best match first, and so their ids."""
        return Movies.model_validate(await self._client.get("movies", q=words, n=n))

    async def predict(
        self, user: User, movies: Annotated[list[Movie], Field(min_length=1, max_length=100)]
    ) -> Forecasts:
        """Forecast the stars that a user will give to movies, in the order of the movies."""
        answer = await self._client.get("predict", user=user, movie=movies)
        return Forecasts.model_validate(answer | {"scale": await self._scale()})

    async def recommend(
        self,
        user: User,
        n: Count = 10,
        genre: Annotated[str | None, Field(description="only movies of this genre")] = None,
        from_year: Annotated[Year, Field(description="first year of release")] = None,
        to_year: Annotated[Year, Field(description="last year of release")] = None,
    ) -> Forecasts:
        """Recommend the movies of highest expected stars that a user has neither rated nor seen."""
        only = {"genre": genre, "from_year": from_year, "to_year": to_year}
        answer = await self._client.get_of_user(user, "recommendations", n=n, **only)
        return Forecasts.model_validate(answer | {"scale": await self._scale()})

    async def explain(self, user: User, movie: Movie, n: Count = 5) -> Explanation:
        """Explain a forecast: the ratings of the user with the largest effect on it, in stars."""
        query = {"movie_id": movie, "n": n}
        answer = await self._client.get_of_user(user, "explanations/-", **query)
        return Explanation.model_validate(answer | {"scale": await self._scale()})

    async def together(
        self,
        users: Annotated[list[User], Field(min_length=LEAST_USERS, max_length=MOST_USERS)],
        stars: Annotated[
            float | None,
            Field(description="the stars that each should give at least; 3/4 up the scale if null"),
        ] = None,
        by: Annotated[
            Measure,
            Field(
                description="what ranks the movies: chance that each user gives the stars, mean of "
                "the expected stars, or least of them"
            ),
        ] = "chance",
        n: Count = 10,
    ) -> Together:
        """Find movies for 2 to 10 users to see together, which none of them has rated or seen."""
        body = {"users": users, "stars": stars, "by": by, "n": n}
        answer = await self._client.post("together", body)
        wanted = {"stars": answer["query"]["stars"], "by": answer["query"]["by"]}
        return Together.model_validate(answer | wanted | {"scale": await self._scale()})

    async def rate(
        self,
        user: User,
        movie: Movie,
        stars: Annotated[float, Field(description="on the scale, which every forecast names")],
    ) -> Rated:
        """Store what a user gives a movie, in the place of a former rating of it."""
        body = {"movie": movie, "stars": stars}
        return Rated.model_validate(await self._client.post_of_user(user, "ratings", body))

    async def _scale(self) -> Scale:
        """The scale, which a service never changes."""
        if self._known_scale is None:
            about: dict[str, Any] = await self._client.get("model")
            ends = about["scale"]
            stars = [] if about["continuous"] else ends
            self._known_scale = Scale(lowest=ends[0], highest=ends[-1], stars=stars)
        return self._known_scale
