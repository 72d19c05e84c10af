"""How well a user's ratings would have been forecast, one moment after another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.ratings import USER
from ratecast.serving.catalogue import Id, Movie
from ratecast.serving.errors import Unsupported
from ratecast.serving.service import Desk

TRIES = 50


@dataclass(frozen=True)
class Hindsight:
    """A user's ratings in the order they came. All of length n.

    stars: given. forecast: from the ratings of earlier moments. blind: what a stranger is told.
    at: UTC seconds, 0 where it is not known. heard: how many ratings came at earlier moments.
    """

    movies: list[Movie]
    stars: F64
    at: NDArray[np.int64]
    forecast: F64
    blind: F64
    heard: NDArray[np.int64]

    def rmse(self, forecast: F64) -> F64:
        """Root of the mean squared error over all ratings so far, in stars: (n,)."""
        errors = np.cumsum((forecast - self.stars) ** 2)
        so_far: F64 = np.sqrt(errors / np.arange(1, len(errors) + 1))
        return so_far


def hindsight(desk: Desk, user: Id, stranger: Id) -> Hindsight:
    """What the model would have said before each rating of a user.

    The movies, and the calibration, are as the model knows them today; only the user's own ratings
    are told one moment after another. Raises `Unsupported` where the model keeps no ratings.
    """
    model, who = desk.live.loaded.model, desk.live.loaded.user(user)
    if not isinstance(model, HistoryModel):
        raise Unsupported(f"model {model.name}: keeps no ratings that could be told again")
    kept, told = model.history_of(who), model.replay(who)
    catalogue = desk.live.loaded.catalogue
    lines = [catalogue.line[each.movie] for each in kept]
    return Hindsight(
        [catalogue.movies[line] for line in lines],
        np.array([each.stars for each in kept]),
        np.array([each.at for each in kept], np.int64),
        told.stars,
        desk.live.forecast(desk.live.loaded.user(stranger), lines).stars,
        told.history_length,
    )


def given_to(desk: Desk, movie: Id) -> list[int] | None:
    """How often each star of the scale was given to a movie; None where the model keeps none."""
    model, asked = desk.live.loaded.model, desk.movie(movie).id
    return model.star_counts(asked).tolist() if isinstance(model, HistoryModel) else None


def anybody(desk: Desk) -> Id | None:
    """A user of the data, drawn by chance, with ratings and nobody's who rates here."""
    known = desk.live.loaded.model.users.table[USER]
    for user in known.sample(min(TRIES, len(known)), shuffle=True).to_list():
        if user not in desk.live.given and desk.live.of(user):
            found: Id = user
            return found
    return None
