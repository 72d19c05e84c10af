"""The best frozen forecast: plain means of models that err differently.

Of a user who was heard: the state-space model, a factorization machine, a Gaussian process. Of a
stranger: those that say most of a user without ratings.
Reference: Bell, Koren, Volinsky 2008, "The BellKor 2008 solution to the Netflix Prize" (blending).
Differs: fixed shares instead of learned ones; a user passes from one mean to the other as the
weight of a prior does.
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

_NO_ROOM = (
    "blend: %d movies are more than gaussian_process holds; its share goes to the other parts"
)
_log = logging.getLogger(__name__)

# What has no share here is not fitted either.
HEARD: Shares = {"state_space": 0.4, "factorization_machine": 0.4, "gaussian_process": 0.2}
STRANGERS: Shares = {"state_space": 1 / 3, "als": 1 / 3, "cold_start": 1 / 3}


@dataclass(kw_only=True, eq=False)
class Blend(Model):
    """A user with n ratings heard is a stranger to the part d / (d + n), d: `new_user_damping`.

    timed: use the request's own moment. chains, iterations: of the factorization machine. Where
    `gaussian_process` cannot hold so many movies it is not fitted, which is logged, and the others
    take its share.
    """

    name: ClassVar[str] = "blend"
    refresh_seconds: ClassVar[int | None] = StateSpace.refresh_seconds
    timed: bool = True
    new_user_damping: float = 3.0
    chains: int = 3
    iterations: int = 120

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        parts = self._made()
        if len(self.movies) > GaussianProcess.max_movies:
            del parts["gaussian_process"]
            _log.warning(_NO_ROOM, len(self.movies) - 1)
        self._parts = parts
        for part in parts.values():
            part.fit_rows(train, None)

    def refresh(self, ratings: Ratings) -> None:
        """Refresh the parts that can."""
        for part in self._parts.values():
            part.refresh(ratings)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        said = {name: part.predict_rows(rows) for name, part in self._parts.items()}
        return self._mixed(said, self.counts.of_users[rows.users])

    @override
    def observe_rows(self, rows: Rows) -> None:
        for part in self._parts.values():
            part.observe_rows(rows)

    @override
    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        heard, _ = copy(self.counts).walk(rows, edges)
        said = {name: part.walk_rows(rows, edges) for name, part in self._parts.items()}
        return self._mixed(said, heard)

    @override
    def grow(self) -> None:
        for part in self._parts.values():
            part.users, part.movies = self._met()
            part.grow()

    def _met(self) -> tuple[Vocabulary, Vocabulary]:
        """Vocabularies for a part: a part that hears would number new ids for all."""
        return replace(self.users), replace(self.movies)

    def _mixed(self, said: dict[str, Expected], count: NDArray[np.int64]) -> Expected:
        """Means and deviations by the shares that `count` ratings heard give to each part."""
        stranger = self.new_user_damping / (self.new_user_damping + count)
        heard, strangers = self._scaled(HEARD), self._scaled(STRANGERS)
        mean, deviation = np.zeros(len(count)), np.zeros(len(count))
        for name, expected in said.items():
            assert expected.deviation is not None
            share = heard.get(name, 0.0) * (1 - stranger) + strangers.get(name, 0.0) * stranger
            mean += share * self.scale.clip(expected.mean)
            deviation += share * expected.deviation
        return Expected(mean, deviation)

    def _scaled(self, shares: Shares) -> Shares:
        """The shares of the parts that there are; they sum to 1."""
        there = {name: share for name, share in shares.items() if name in self._parts}
        return {name: share / sum(there.values()) for name, share in there.items()}

    def _made(self) -> dict[str, Model]:
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
            part.users, part.movies = self._met()
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
        for name, part in self._made().items():
            own = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith(f"{name}/")}
            # What there was no room for at the fit is not there.
            if own:
                part.restore_arrays(own)
                self._parts[name] = part
