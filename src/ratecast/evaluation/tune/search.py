"""What is searched, and the score of one trial."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

from ratecast.errors import InputError, choice
from ratecast.evaluation.protocol import BOTH, Protocol, as_of
from ratecast.evaluation.tune.folds import Fold
from ratecast.evaluation.tune.metrics import METRICS, RMSE, Metric, Term
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.model import Model
from ratecast.modelling.nets.net_model import NetModel

Make = Callable[..., Model]
Prune = Literal["auto", "always", "never"]
# Called with a step and the value so far; what it raises ends the trial.
Report = Callable[[int, float], None]
FIRST_EPOCHS = 2


@dataclass(frozen=True)
class Search:
    """What to tune: the model, fitted on each fold's train, scored on its valid by `protocol`.

    metric: one of `METRICS`. prune: whether a trial that is worse than most after a fold, or after
    an epoch of a net, is ended: auto does so by epochs only where their RMSE, which is frozen, is
    what is measured; always by epochs in as-of too; never not at all.

    Raises `InputError` for another word.
    """

    model: str
    folds: Sequence[Fold]
    protocol: Protocol = "as-of"
    seed: int = 0
    metric: str = "rmse"
    prune: Prune = "auto"

    def __post_init__(self) -> None:
        known = {"protocol": BOTH, "metric": METRICS, "prune": get_args(Prune)}
        for name, words in known.items():
            value = getattr(self, name)
            if value not in words:
                raise InputError(f"tune: {name} {value!r}: {choice(str(value), words)}")

    @property
    def measure(self) -> Metric:
        """The metric itself."""
        return METRICS[self.metric]

    @property
    def by_epoch(self) -> bool:
        """Whether a net's epochs are reported: with a single fold, and where RMSE is measured."""
        if len(self.folds) > 1 or self.metric != "rmse":
            return False
        return self.prune == "always" or (self.prune == "auto" and self.protocol == "frozen")


class Scored(NamedTuple):
    """The metric and the RMSE over the rows of every fold's valid."""

    value: float
    rmse: float


def score(model: Model, search: Search, report: Report | None = None) -> Scored:
    """The score of a fresh fit of `model` on each fold.

    report: called after each fold but the last, and after each epoch of a net where
    `Search.by_epoch`. Star probabilities are scored without valid in the fit, since they would be
    calibrated on the rows that are scored.
    """
    terms: list[Term] = []
    squares: list[Term] = []
    for step, fold in enumerate(search.folds, 1):
        forecast = _forecast(replace(model), fold, search, report)
        terms.append(search.measure.term(forecast, fold.valid))
        squares.append(RMSE.term(forecast, fold.valid))
        if report is not None and search.prune != "never" and step < len(search.folds):
            report(step, search.measure.value(terms))
    return Scored(search.measure.value(terms), RMSE.value(squares))


def _forecast(model: Model, fold: Fold, search: Search, report: Report | None) -> Forecast:
    if report is not None and search.by_epoch and isinstance(model, NetModel):
        model.on_epoch = _after_first(report)
    model.fit(fold.train, None if search.measure.of_probabilities else fold.valid)
    if search.protocol == "frozen":
        return model.predict(fold.valid.requests())
    return as_of(model, {"train": fold.train, "valid": fold.valid})["valid"]


def _after_first(report: Report) -> Report:
    """Without the first epochs, whose order says little of the last ones."""
    return lambda epoch, rmse: report(epoch, rmse) if epoch > FIRST_EPOCHS else None
