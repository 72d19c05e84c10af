"""What a new model implements: the hooks that the contract calls."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ratecast.modelling.calibration.online import OnlineCalibration
from ratecast.modelling.contract.counts import Counts
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.given import GivenRatings
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.settings import FROM_ZERO, Limits, SearchTable, check
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.optional_packages import require
from ratecast.ratings import Ratings, Scale

Arrays = dict[str, NDArray[Any]]


@dataclass(kw_only=True, eq=False)
class Hooks(ABC):
    """The settings and the inside of a model. The fields it is made with are its settings.

    name: the model's key. search: the settings worth tuning, each after those that it depends on.
    limits: of those that are not just counts from 1 or amounts from 0. is_random: whether the seed
    matters. uses_side_information: whether its forecasts depend on columns of users or movies.
    learns_from_valid: whether `fit_rows` reads `valid`.
    extra: of ratecast, whose packages a fit needs; None for none.
    refresh_seconds: how often an as-of walk may refresh it. learned_from: fingerprint of train;
    empty once it was updated.

    A new model implements `fit_rows`, `predict_rows`, `arrays` and `restore_arrays`, and, where it
    can be updated without a refit, `grow` and `observe_rows`, or `walk_rows` for a whole stream:
    either gives the other. One that keeps something of each user implements `forget_row`.
    """

    name: ClassVar[str]
    search: ClassVar[SearchTable] = {}
    limits: ClassVar[Limits] = {}
    is_random: ClassVar[bool] = True
    uses_side_information: ClassVar[bool] = False
    learns_from_valid: ClassVar[bool] = True
    extra: ClassVar[str | None] = None
    refresh_seconds: ClassVar[int | None] = None
    seed: int = 0

    scale: Scale = field(init=False, repr=False)
    users: Vocabulary = field(init=False, repr=False)
    movies: Vocabulary = field(init=False, repr=False)
    counts: Counts = field(init=False, repr=False)
    given: GivenRatings = field(init=False, repr=False)
    calibration: OnlineCalibration = field(init=False, repr=False)
    learned_from: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that cannot be, by `InputError`."""
        check(self, "model", {"seed": FROM_ZERO} | dict(self.limits))

    @abstractmethod
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        """Learn; scale, vocabularies and counts are there already."""

    def require_packages(self, rows: int) -> None:
        """Raise `MissingPackageError` where a fit of so many rows needs what is not installed."""
        if self.extra is not None:
            require(self.extra, f"model {self.name}")

    def memory_bytes(self) -> float:
        """Memory that a fit takes at the least for its users and movies, beside the ratings."""
        return 0.0

    @abstractmethod
    def predict_rows(self, rows: Rows) -> Expected:
        """Expected stars of each row."""

    def refit_rows(self, train: Rows) -> None:
        """Fit from scratch; a model that chose something by validation keeps it."""
        self.fit_rows(train, None)

    def observe_rows(self, rows: Rows) -> None:
        """Update with rows as one tie group; the vocabularies have grown already.

        A row of a pair that was rated before takes the place of the former rating, see
        `Rows.former`; `Rows.change` and `Rows.is_first` are what it adds to a sum and to a count.
        """
        self.walk_rows(rows, np.array([0, len(rows)]))

    def grow(self) -> None:
        """Add lines for the ids that the vocabularies were just given, equal to the unknown's."""

    def forget_row(self, row: int) -> None:
        """Make the line of a user equal to the unknown's, and drop all ratings of this user.

        It is never asked for again, and what movies and star probabilities learned stays.
        """

    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        """Expected stars of each row; the rows of a tie group are observed after it.

        edges: (k + 1,) borders of the tie groups.
        """
        expected = []
        for start, stop in pairwise(edges):
            now = rows.take(slice(start, stop))
            expected.append(self.predict_rows(now))
            self.observe_rows(now)
        return Expected.concat(expected)

    @abstractmethod
    def arrays(self) -> Arrays:
        """Everything learned, as named arrays."""

    @abstractmethod
    def restore_arrays(self, arrays: Arrays) -> None:
        """Take over what `arrays` gave."""

    def movie_factors(self) -> Factors | None:
        """What a factor model has learned of movies, for `queries.similar`; others have none."""
        return None

    def summary(self) -> list[str]:
        """What a fit has chosen, for whoever started it: one line each."""
        return []

    @classmethod
    def updates_online(cls) -> bool:
        """Whether the model can be updated with a rating without a refit."""
        return cls.observe_rows is not Hooks.observe_rows or cls.walk_rows is not Hooks.walk_rows

    def unfitted(self) -> Self:
        """A model with the settings of this one, not fitted."""
        return replace(self)

    def settings(self) -> dict[str, Any]:
        """The settings that this model was made with, as plain values."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        return {
            k: asdict(v) if hasattr(v, "__dataclass_fields__") else v for k, v in values.items()
        }

    def refresh_after(self) -> int:
        """How many new ratings a refresh waits for: with fewer it changes nothing."""
        return 0

    def precompute(self, shared_with: Any = None) -> None:
        """Precompute tables that make `predict` faster and change no result.

        shared_with: a model like this one, whose tables serve both.
        """
