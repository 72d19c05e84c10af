"""A blend for frozen forecasts: weighted means of models whose errors differ.

Reference: Bell, Koren, Volinsky 2008, "The BellKor 2008 solution to the Netflix Prize" (blending).
"""

import logging
from copy import copy
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.models.als.model import ALS
from ratecast.models.cold_start.model import ColdStart
from ratecast.models.factorization_machine.model import FactorizationMachine
from ratecast.models.gaussian_process.model import GaussianProcess
from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import Ratings

Shares = dict[str, float]

_TOO_MANY_MOVIES = (
    "blend: %d movies are more than gaussian_process holds; its share goes to the other parts"
)
_log = logging.getLogger(__name__)

# A model without a share here is not fitted either.
KNOWN_USERS: Shares = {"state_space": 0.4, "factorization_machine": 0.4, "gaussian_process": 0.2}
NEW_USERS: Shares = {"state_space": 1 / 3, "als": 1 / 3, "cold_start": 1 / 3}


@dataclass(kw_only=True, eq=False)
class Blend(Model):
    """Forecast = sum over the parts of share * forecast of the part; so is the deviation.

    share = (1 - w) * share for known users + w * share for new users, with
    w = new_user_damping / (new_user_damping + n) for a user with n ratings. Known users: 0.4
    state_space, 0.4 factorization_machine, 0.2 gaussian_process. New users: a third each of
    state_space, als, cold_start. Where `gaussian_process` cannot hold all movies it is not
    fitted, which is logged, and the other parts take its share.

    timed: whether a forecast uses the time of its request.
    new_user_damping: number of ratings after which both shares count equally.
    chains, iterations: of `factorization_machine`.

    Reference: Bell, Koren, Volinsky 2008, "The BellKor 2008 solution to the Netflix Prize".
    Differs: fixed shares instead of learned ones, which pass from those of new users to those of
    known users as the weight of a prior does.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.Blend(chains=1, iterations=25).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "blend"
    uses_side_information: ClassVar[bool] = True
    refresh_seconds: ClassVar[int | None] = StateSpace.refresh_seconds
    timed: bool = True
    new_user_damping: float = 3.0
    chains: int = 3
    iterations: int = 120

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        parts = self._new_parts()
        if len(self.movies) > GaussianProcess.max_movies:
            del parts["gaussian_process"]
            _log.warning(_TOO_MANY_MOVIES, len(self.movies) - 1)
        self._parts = parts
        for part in parts.values():
            part.fit_rows(train, None)

    @override
    def refresh(self, ratings: Ratings) -> None:
        for part in self._parts.values():
            part.refresh(ratings)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        predicted = {name: part.predict_rows(rows) for name, part in self._parts.items()}
        return self._blended(predicted, self.counts.of_users[rows.users])

    @override
    def observe_rows(self, rows: Rows) -> None:
        for part in self._parts.values():
            part.observe_rows(rows)

    @override
    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        history_length, _ = copy(self.counts).walk(rows, edges)
        predicted = {name: part.walk_rows(rows, edges) for name, part in self._parts.items()}
        return self._blended(predicted, history_length)

    @override
    def grow(self) -> None:
        for part in self._parts.values():
            part.users, part.movies = self._vocabularies()
            part.grow()

    def _vocabularies(self) -> tuple[Vocabulary, Vocabulary]:
        """Copies for one part: a part that adds new ids must not add them for the others."""
        return replace(self.users), replace(self.movies)

    def _blended(
        self, predicted: dict[str, Expected], history_length: NDArray[np.int64]
    ) -> Expected:
        """Weighted means of means and deviations; history_length: (n,) ratings of each user."""
        new = self.new_user_damping / (self.new_user_damping + history_length)
        known_users, new_users = self._scaled(KNOWN_USERS), self._scaled(NEW_USERS)
        mean, deviation = np.zeros(len(new)), np.zeros(len(new))
        for name, expected in predicted.items():
            assert expected.deviation is not None
            share = known_users.get(name, 0.0) * (1 - new) + new_users.get(name, 0.0) * new
            mean += share * self.scale.clip(expected.mean)
            deviation += share * expected.deviation
        return Expected(mean, deviation)

    def _scaled(self, shares: Shares) -> Shares:
        """The shares of the fitted parts, scaled to sum to 1."""
        fitted = {name: share for name, share in shares.items() if name in self._parts}
        return {name: share / sum(fitted.values()) for name, share in fitted.items()}

    def _new_parts(self) -> dict[str, Model]:
        """The parts, not fitted yet, on this model's scale and vocabularies."""
        parts: dict[str, Model] = {
            "state_space": StateSpace(seed=self.seed),
            "factorization_machine": FactorizationMachine(
                seed=self.seed, timed=self.timed, chains=self.chains, iterations=self.iterations
            ),
            "als": ALS(seed=self.seed),
            "cold_start": ColdStart(seed=self.seed),
            "gaussian_process": GaussianProcess(seed=self.seed, timed=self.timed),
        }
        for part in parts.values():
            part.scale = self.scale
            part.users, part.movies = self._vocabularies()
        return parts

    @override
    def movie_factors(self) -> Factors | None:
        return self._parts["state_space"].movie_factors()

    @override
    def arrays(self) -> Arrays:
        parts = self._parts.items()
        return {f"{name}/{key}": v for name, part in parts for key, v in part.arrays().items()}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._parts = {}
        for name, part in self._new_parts().items():
            own = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith(f"{name}/")}
            # A part that could not hold all movies was not fitted.
            if own:
                part.restore_arrays(own)
                self._parts[name] = part
