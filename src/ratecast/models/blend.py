"""The best frozen forecast: a mean of `bfm` and `gp`, handed over to `cold` for newcomers.

The three err differently: one factors, one interpolates, one knows nothing of the user's ratings.
Reference: Bell, Koren, Volinsky 2008, "The BellKor 2008 solution to the Netflix Prize" (blending).
Differs: fixed shares instead of learned ones; the share of `cold` falls with the number of the
user's ratings as a prior's weight does.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ratecast.models.base import Arrays, Model
from ratecast.models.bfm import BayesianFM
from ratecast.models.cold import Newcomer
from ratecast.models.gp import ItemGaussianProcess
from ratecast.models.rows import Expected, Rows
from ratecast.ratings import Ratings

F64 = NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class Blend(Model):
    """A user with n ratings heard is a stranger to the part s = newcomer / (newcomer + n).

    Shares: `cold` cold_share x s, `gp` gp_share x (1 - s), `bfm` the rest. timed: use the request's
    own moment. A table with more movies than `gp` holds is forecast without it.
    """

    name: ClassVar[str] = "blend"
    timed: bool = True
    gp_share: float = 0.3
    cold_share: float = 0.8
    newcomer: float = 3.0
    factors: int = 12
    chains: int = 3
    sweeps: int = 120

    def _fit(self, train: Rows, valid: Ratings | None) -> None:
        self._parts = self._made()
        for part in self._parts.values():
            part._fit(train, None)

    def _expect(self, rows: Rows) -> Expected:
        shares = self._shares(self._heard[rows.users])
        mean, deviation = np.zeros(len(rows)), np.zeros(len(rows))
        for name, part in self._parts.items():
            expected = part._expect(rows)
            assert expected.deviation is not None
            mean += shares[name] * self.scale.clip(expected.mean)
            deviation += shares[name] * expected.deviation
        return Expected(mean, deviation)

    def _shares(self, heard: NDArray[np.int64]) -> dict[str, F64]:
        stranger = self.newcomer / (self.newcomer + heard)
        cold = self.cold_share * stranger
        gp = self.gp_share * (1 - stranger) * ("gp" in self._parts)
        return {"cold": cold, "gp": gp, "bfm": 1 - cold - gp}

    def _made(self) -> dict[str, Model]:
        """The parts, not fitted yet, on this model's scale and vocabularies."""
        bfm = BayesianFM(seed=self.seed, timed=self.timed, factors=self.factors)
        bfm.chains, bfm.sweeps = self.chains, self.sweeps
        gp = ItemGaussianProcess(seed=self.seed, timed=self.timed)
        parts: dict[str, Model] = {"bfm": bfm, "cold": Newcomer(seed=self.seed)}
        if len(self.movies) <= gp.most_movies:
            parts["gp"] = gp
        for part in parts.values():
            part.scale, part.users, part.movies = self.scale, self.users, self.movies
        return parts

    def _arrays(self) -> Arrays:
        parts = self._parts.items()
        return {f"{name}/{key}": v for name, part in parts for key, v in part._arrays().items()}

    def _restore(self, arrays: Arrays) -> None:
        self._parts = self._made()
        for name, part in self._parts.items():
            own = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith(f"{name}/")}
            part._restore(own)
