"""What a comparison is of: trials on one split, with their scores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ratecast.errors import InputError
from ratecast.evaluation import list_rows, score_rows
from ratecast.evaluation.comparison import ModelComparison, comparisons
from ratecast.evaluation.protocol import Trial
from ratecast.evaluation.score_rows import Row

if TYPE_CHECKING:
    from ratecast.plots.training import Curves


@dataclass(frozen=True)
class Subject:
    """What a page and tables are of.

    trials: of several models and protocols, all on one split, one seed each. part: for intervals,
    tests and plots; the scores of all parts are listed. curves: training curves by model. rows,
    lists: of `score_rows` and `list_rows`, averaged over several runs of each model; by default
    those of these trials. Raises `InputError` for trials of two splits, or two of one model.
    """

    trials: Sequence[Trial]
    part: str = "test"
    curves: "Curves" = field(default_factory=dict)
    rows: Sequence[Row] = ()
    lists: Sequence[Row] = ()

    def __post_init__(self) -> None:
        """Check the trials."""
        _check(self.trials)

    @cached_property
    def compared(self) -> list[ModelComparison]:
        """One comparison for each protocol, which samples once whatever asks for it."""
        return comparisons(self.trials, self.part)

    def score_rows(self) -> Sequence[Row]:
        """Those that were given, or those of the trials."""
        return self.rows or [row for trial in self.trials for row in score_rows.rows([trial])]

    def list_rows(self) -> list[Row]:
        """Those of the part, which were given, or those of the trials."""
        rows = self.lists or list_rows.rows_of_trials(self.trials)
        return [row for row in rows if row["part"] == self.part]


def _check(trials: Sequence[Trial]) -> None:
    """Refuse trials of two splits, or two trials of one model and protocol."""
    if not trials:
        raise InputError("report: no trials; give at least one model")
    split, seen = trials[0].split, set()
    for trial in trials:
        key = (trial.model, trial.protocol)
        if trial.split is not split and trial.split.name != split.name:
            raise InputError(f"report: splits {split.name} and {trial.split.name}; give one split")
        if key in seen:
            raise InputError(f"report: two trials of {key[0]}, {key[1]}; give one seed of each")
        seen.add(key)
