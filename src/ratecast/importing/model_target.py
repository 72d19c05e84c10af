"""A saved model, which takes the person as a new user."""

from functools import cached_property
from pathlib import Path

import polars as pl

from ratecast.data.titles import TITLE
from ratecast.errors import InputError
from ratecast.exports.star_quantiles import StarDistribution
from ratecast.importing.target import Id, Rated, require_titles
from ratecast.modelling.contract.model import Model
from ratecast.models import load_model
from ratecast.queries.id_lists import is_known
from ratecast.queries.star_distribution import star_distribution
from ratecast.queries.title_lookup import unused_user
from ratecast.queries.top_n import RANK, STARS, top_n
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, Requests

COLUMNS = (RANK, MOVIE, TITLE, STARS, "low", "high")


class ModelTarget:
    """A model in memory; its artifact is not changed.

    The ratings are observed with the times of the export where each has one, else without times.
    """

    def __init__(self, model: Model, where: str = "model") -> None:
        """where: the artifact, for messages. Raises `InputError` for a model that cannot do it."""
        require_titles(where, model.movies.described.columns)
        if not model.updates_online():
            raise InputError(
                f"{where}: model {model.name} cannot be updated with a person's ratings; give an "
                "artifact of one that can: ratecast models --json names them"
            )
        self.model = model
        self.user: Id = unused_user(model)
        self._rated = pl.DataFrame(schema={MOVIE: model.movies.table.schema[MOVIE]})

    @classmethod
    def load(cls, folder: Path) -> "ModelTarget":
        """The model in the folder of an artifact."""
        return cls(load_model(folder), str(folder))

    @property
    def movies(self) -> pl.DataFrame:
        """The catalogue, with movies that no one has rated yet."""
        return self.model.movies.described

    @cached_property
    def stars(self) -> StarDistribution:
        """How often each star is given."""
        return star_distribution(self.model)

    def rate(self, ratings: pl.DataFrame) -> Rated:
        """Observe the ratings of the new user."""
        dated = not ratings[AT].null_count()
        frame = ratings.select(
            pl.lit(self.user).alias(USER), MOVIE, RATING, *([AT] if dated else [])
        )
        self.stars  # noqa: B018 - of the model before it observes
        self.model.observe(Ratings(frame, scale=self.model.scale))
        self._rated = ratings.select(MOVIE)
        return Rated(self.user, len(ratings), 0, 0, kept=False)

    def best(self, count: int) -> pl.DataFrame:
        """The best movies that the person has not rated."""
        return self._ranked(count).select(COLUMNS)

    def forecasts(self, among: pl.Series | None = None) -> pl.DataFrame:
        """The forecasts of movies that the person has not rated, best first."""
        known = None if among is None else among.filter(is_known(self.model, among))
        table = self._ranked(self.movies.height, known)
        return table.select(*COLUMNS, pl.selectors.starts_with("p_"))

    def _ranked(self, count: int, among: pl.Series | None = None) -> pl.DataFrame:
        user = pl.lit(self.user).alias(USER)
        rated = Requests(self._rated.select(user, MOVIE))
        top = top_n(self.model, self.user, count, rated, movies=among)
        predicted = self.model.predict(Requests(top.select(USER, MOVIE))).frame
        titles = self.movies.select(MOVIE, TITLE)
        table = pl.concat([top.select(RANK), predicted], how="horizontal")
        return table.join(titles, on=MOVIE, how="left", maintain_order="left")
