"""The best frozen forecast: plain means of models that err differently.

Of a user who was heard: the state-space model, a factorization machine, a Gaussian process. Of a
stranger: those that say most of a user without ratings.
Reference: Bell, Koren, Volinsky 2008, "The BellKor 2008 solution to the Netflix Prize" (blending).
Differs: fixed shares instead of learned ones; a user passes from one mean to the other as the
weight of a prior does.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ratecast.models.als import ProbabilisticMF
from ratecast.models.base import Arrays, Model
from ratecast.models.bfm import BayesianFM
from ratecast.models.cold import Newcomer
from ratecast.models.forecast import StateSpace
from ratecast.models.gp import ItemGaussianProcess
from ratecast.models.rows import Expected, Rows
from ratecast.ratings import Ratings

F64 = NDArray[np.float64]
Shares = dict[str, float]

HEARD: Shares = {"forecast": 0.4, "bfm": 0.4, "gp": 0.2}
STRANGERS: Shares = {"forecast": 1 / 3, "als": 1 / 3, "cold": 1 / 3}


@dataclass(kw_only=True, eq=False)
class Blend(Model):
    """A user with n ratings heard is a stranger to the part newcomer / (newcomer + n).

    timed: use the request's own moment. chains, sweeps: of the factorization machine. Where `gp`
    cannot hold so many movies, the others take its share.
    """

    name: ClassVar[str] = "blend"
    timed: bool = True
    newcomer: float = 3.0
    chains: int = 3
    sweeps: int = 120

    def _fit(self, train: Rows, valid: Ratings | None) -> None:
        self._parts = self._made()
        for part in self._parts.values():
            part._fit(train, None)

    def _expect(self, rows: Rows) -> Expected:
        stranger = self.newcomer / (self.newcomer + self._heard[rows.users])
        heard, strangers = self._scaled(HEARD), self._scaled(STRANGERS)
        mean, deviation = np.zeros(len(rows)), np.zeros(len(rows))
        for name, part in self._parts.items():
            expected = part._expect(rows)
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
        gp = ItemGaussianProcess(seed=self.seed, timed=self.timed)
        parts: dict[str, Model] = {
            "forecast": StateSpace(seed=self.seed),
            "bfm": BayesianFM(
                seed=self.seed, timed=self.timed, chains=self.chains, sweeps=self.sweeps
            ),
            "als": ProbabilisticMF(seed=self.seed),
            "cold": Newcomer(seed=self.seed),
        }
        if len(self.movies) <= gp.most_movies:
            parts["gp"] = gp
        for part in parts.values():
            # Vocabularies of its own: a part that hears would number new ids for all.
            part.scale = self.scale
            part.users, part.movies = replace(self.users), replace(self.movies)
        return parts

    def _arrays(self) -> Arrays:
        parts = self._parts.items()
        return {f"{name}/{key}": v for name, part in parts for key, v in part._arrays().items()}

    def _restore(self, arrays: Arrays) -> None:
        self._parts = self._made()
        for name, part in self._parts.items():
            own = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith(f"{name}/")}
            part._restore(own)
