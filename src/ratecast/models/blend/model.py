"""A blend: weighted means of models whose errors differ, with learned shares.

Reference: Bell, Koren, Volinsky 2008, "The BellKor 2008 solution to the Netflix Prize" (blending);
Breiman 1996, "Stacked regressions".
"""

import logging
from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import I64
from ratecast.modelling.calibration.online import OnlineCalibration, Outcomes
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.shared_fits import fit_or_take
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.models.als.model import ALS
from ratecast.models.blend.inner import Held, PartForecasts, learned_shares
from ratecast.models.blend.shares import Shares
from ratecast.models.cold_start.model import ColdStart
from ratecast.models.factorization_machine.model import FactorizationMachine
from ratecast.models.gaussian_process.model import GaussianProcess
from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import Ratings

_TOO_MANY_MOVIES = (
    "%s: %d movies are more than gaussian_process holds; its share goes to the other parts"
)
_log = logging.getLogger(__name__)

# Shares to start from; without a table to learn others on, those of MovieLens 100K.
KNOWN_USERS = {"state_space": 0.4, "factorization_machine": 0.4, "gaussian_process": 0.2}
NEW_USERS = {"state_space": 1 / 3, "als": 1 / 3, "cold_start": 1 / 3}
# With fewer ratings, a fifth says little about shares.
MIN_RATINGS = 200
FROZEN, AS_OF = "frozen", "as_of"
_NEVER = 1 << 62


@dataclass(kw_only=True, eq=False)
class Blend(Model):
    """Forecast = sum over the parts of share * forecast of the part; so is the deviation.

    share = (1 - w) * share for known users + w * share for new users, with
    w = damping / (damping + n) for a user with n ratings. Parts: state_space,
    factorization_machine, gaussian_process, als, cold_start. Where `gaussian_process` cannot hold
    all movies it is not fitted, which is logged, and the other parts take its share.

    learn_shares: learn shares and damping from the table: each part is fitted twice more, without a
        tenth of the users and 15 % of the other ratings, and without the latest fifth, and the
        shares of least squared error on what was held out are taken; those for as-of forecasts,
        after the first observed rating, come from a walk. Parts with less than 3 % are left out.
        Otherwise, and for fewer than 200 ratings, the shares are fixed: 0.4 state_space, 0.4
        factorization_machine, 0.2 gaussian_process for known users, a third each of state_space,
        als, cold_start for new ones.
    timed: whether a forecast uses the time of its request.
    new_user_damping: the damping where shares are fixed.
    chains, iterations: of `factorization_machine`.

    Reference: Bell, Koren, Volinsky 2008, "The BellKor 2008 solution to the Netflix Prize";
    Breiman 1996, "Stacked regressions".
    Differs: shares pass from those of new users to those of known users as the weight of a prior
    does.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.Blend(learn_shares=False, chains=1, iterations=25).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "blend"
    uses_side_information: ClassVar[bool] = True
    refresh_seconds: ClassVar[int | None] = StateSpace.refresh_seconds
    learn_shares: bool = True
    timed: bool = True
    new_user_damping: float = 3.0
    chains: int = 3
    iterations: int = 120

    shares: dict[str, Shares] = field(init=False, repr=False)
    parts: dict[str, Model] = field(init=False, repr=False)
    # Whether ratings were observed since the fit: then its forecasts are as-of ones.
    updated: bool = field(init=False, repr=False, default=False)
    # A copy that forecasts rows held out for the star probabilities says nothing again.
    is_copy: bool = field(init=False, repr=False, default=False)
    _held: tuple[Held, dict[str, PartForecasts]] | None = field(
        init=False, repr=False, default=None
    )

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        names = tuple(self.candidates())
        if "gaussian_process" in names and len(self.movies) > GaussianProcess.max_movies:
            names = tuple(name for name in names if name != "gaussian_process")
            if not self.is_copy:
                _log.warning(_TOO_MANY_MOVIES, self.name, len(self.movies) - 1)
        assert isinstance(train.table, Ratings)
        self._held = None
        self.shares = self.shares_of(train.table, names)
        self.refit_rows(train)

    @override
    def refit_rows(self, train: Rows) -> None:
        used = {name for shares in self.shares.values() for name in shares.names}
        self.updated, self.parts = False, self._on_own_ids(used)
        for part in self.parts.values():
            fit_or_take(part, train, None)

    @override
    def unfitted(self) -> Self:
        model = super().unfitted()
        model.is_copy = True
        return model

    def candidates(self) -> dict[str, Model]:
        """The parts that may have a share, by name, not fitted."""
        return {
            "state_space": StateSpace(seed=self.seed),
            "factorization_machine": FactorizationMachine(
                seed=self.seed, timed=self.timed, chains=self.chains, iterations=self.iterations
            ),
            "als": ALS(seed=self.seed),
            "cold_start": ColdStart(seed=self.seed),
            "gaussian_process": GaussianProcess(seed=self.seed, timed=self.timed),
        }

    def shares_of(self, train: Ratings, names: tuple[str, ...]) -> dict[str, Shares]:
        """Shares for frozen and for as-of forecasts, learned on held ratings of `train`."""
        start = Shares.of(NEW_USERS, KNOWN_USERS, names, self.new_user_damping)
        if not self._learns_shares(train):
            return {FROZEN: start, AS_OF: start}
        held = Held.of(train, self.seed)
        forecasts = [held.forecasts(partial(self.part, name)) for name in names]
        return self.with_held(held, dict(zip(names, forecasts, strict=True)), start)

    def with_held(
        self, held: Held, forecasts: dict[str, PartForecasts], start: Shares
    ) -> dict[str, Shares]:
        """Shares learned from these forecasts, which are kept for the star probabilities."""
        self._held = held, forecasts
        learned = learned_shares(held, list(forecasts.values()), start)
        return dict(zip((FROZEN, AS_OF), learned, strict=True))

    @override
    def held_outcomes(self, train: Ratings, rows: Rows) -> Outcomes | None:
        # Whoever learns shares forecasts rows held out on the way.
        return None if self._learns_shares(train) else super().held_outcomes(train, rows)

    @override
    def _calibrate(
        self, train: Ratings, valid: Ratings | None, outcomes: Outcomes | None
    ) -> OnlineCalibration:
        held, self._held = self._held, None
        if valid is None and held is not None:
            outcomes = self._outcomes_of(*held)
        return super()._calibrate(train, valid, outcomes)

    def _outcomes_of(self, held: Held, forecasts: dict[str, PartForecasts]) -> Outcomes:
        """Forecasts of what was held out for the shares, blended with these."""
        shares = self.shares[FROZEN]
        parts = [forecasts[name] for name in shares.names]
        means, deviations = held.frozen(parts), held.deviations(parts)
        expected = Expected(shares.blended(means), shares.blended(deviations))
        return self.outcomes(expected, means.history_length, held.given())

    def _learns_shares(self, train: Ratings) -> bool:
        return self.learn_shares and len(train) >= MIN_RATINGS

    def part(self, name: str) -> Model:
        """One of them, a new one."""
        return self.candidates()[name]

    @override
    def refresh(self, ratings: Ratings) -> None:
        for part in self.parts.values():
            part.refresh(ratings)

    @override
    def refresh_after(self) -> int:
        refreshed = [part for part in self.parts.values() if part.refresh_seconds is not None]
        return min((part.refresh_after() for part in refreshed), default=_NEVER)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        predicted = {name: part.predict_rows(rows) for name, part in self.parts.items()}
        shares = self.shares[AS_OF if self.updated else FROZEN]
        return self._blended(predicted, shares, self.counts.of_users[rows.users])

    @override
    def observe_rows(self, rows: Rows) -> None:
        self.updated = True
        for part in self.parts.values():
            part.observe_rows(rows)

    @override
    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        self.updated = True
        history_length, _ = copy(self.counts).walk(rows, edges)
        predicted = {name: part.walk_rows(rows, edges) for name, part in self.parts.items()}
        return self._blended(predicted, self.shares[AS_OF], history_length)

    @override
    def precompute(self, shared_with: Any = None) -> None:
        others = shared_with.parts if isinstance(shared_with, Blend) else {}
        for name, part in self.parts.items():
            part.precompute(others.get(name))

    @override
    def grow(self) -> None:
        for part in self.parts.values():
            part.users, part.movies = self._vocabularies()
            part.grow()

    @override
    def forget_row(self, row: int) -> None:
        for part in self.parts.values():
            part.users, part.movies = self._vocabularies()
            part.forget_row(row)

    def _vocabularies(self) -> tuple[Vocabulary, Vocabulary]:
        """Copies for one part: a part that adds new ids must not add them for the others."""
        return replace(self.users), replace(self.movies)

    def _blended(
        self, predicted: Mapping[str, Expected], shares: Shares, history_length: I64
    ) -> Expected:
        """Weighted means of means and deviations; history_length: (n,) ratings of each user."""
        mean, deviation = np.zeros(len(history_length)), np.zeros(len(history_length))
        for name, share in zip(shares.names, shares.by_history(history_length).T, strict=True):
            expected = predicted[name]
            mean += share * self.scale.clip(expected.mean)
            if expected.deviation is not None:
                deviation += share * expected.deviation
        known = any(predicted[name].deviation is not None for name in shares.names)
        return Expected(mean, deviation if known else None)

    def _on_own_ids(self, names: Collection[str]) -> dict[str, Model]:
        """These parts, not fitted yet, on this model's scale and vocabularies."""
        parts = {name: part for name, part in self.candidates().items() if name in names}
        for part in parts.values():
            part.scale = self.scale
            part.users, part.movies = self._vocabularies()
        return parts

    @override
    def movie_factors(self) -> Factors | None:
        factors = (part.movie_factors() for part in self.parts.values())
        return next((each for each in factors if each is not None), None)

    @override
    def arrays(self) -> Arrays:
        parts = self.parts.items()
        arrays = {f"{name}/{key}": v for name, part in parts for key, v in part.arrays().items()}
        for protocol, shares in self.shares.items():
            arrays |= {f"shares/{protocol}/{name}": x for name, x in shares.by_name().items()}
            arrays[f"shares/{protocol}/damping"] = np.array([shares.damping])
        return arrays | {"updated": np.array([self.updated])}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        names = {key.partition("/")[0] for key in arrays if "/" in key} - {"shares"}
        self.parts = self._on_own_ids(names)
        for name, part in self.parts.items():
            part.restore_arrays(_below(name, arrays))
        fixed = Shares.of(NEW_USERS, KNOWN_USERS, tuple(self.parts), self.new_user_damping)
        # Before 0.3 shares were fixed, and not in the artifact.
        self.shares = {FROZEN: fixed, AS_OF: fixed}
        for protocol in self.shares:
            own = _below(f"shares/{protocol}", arrays)
            if own:
                # A file does not keep the order of its arrays, and sums depend on it.
                pairs = {name: own[name] for name in self.candidates() if name in own}
                self.shares[protocol] = Shares.of_pairs(pairs, float(own["damping"][0]))
        self.updated = bool(arrays.get("updated", np.array([False]))[0])


def _below(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays whose names begin with `prefix`/, by the rest of their names."""
    start = f"{prefix}/"
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
