"""Hyperparameter search by validation RMSE. It never gets the test part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ratecast.errors import InputError
from ratecast.evaluation.metrics import Score
from ratecast.evaluation.protocol import Protocol, as_of, possible, require
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.settings import Range
from ratecast.progress import bar
from ratecast.ratings import Ratings
from ratecast.splits import Split, kfold

if TYPE_CHECKING:
    from optuna import Trial

Make = Callable[..., Model]


@dataclass(frozen=True)
class Tuned:
    """The result of a search.

    default_rmse: validation RMSE with the default settings, the first trial. rmse, settings: of the
    best trial. trials: number of trials.
    """

    default_rmse: float
    rmse: float
    settings: dict[str, Any]
    trials: int


@dataclass(frozen=True)
class Search:
    """What to tune: the model, fitted on each fold's train, scored on its valid by `protocol`."""

    model: str
    folds: Sequence["Fold"]
    protocol: Protocol = "as-of"
    seed: int = 0


class Fold(NamedTuple):
    """The two parts that a trial gets: it is fitted on `train` and scored on `valid`."""

    train: Ratings
    valid: Ratings

    @property
    def split(self) -> Split:
        """A split of the two parts, of which the second is scored."""
        return Split("fold", self.train, None, self.valid)


def folds_of(split: Split, kfold_seed: int | None = None) -> list[Fold]:
    """Train and valid of a split; or, with a seed, random folds of both. test is never used."""
    if split.valid is None:
        raise InputError(
            f"tune: split {split.name} has no valid part; use chronological or holdout"
        )
    if kfold_seed is None:
        return [Fold(split.train, split.valid)]
    known = split.train.with_more(split.valid)
    return [Fold(each.train, each.test) for each in kfold(known, seed=kfold_seed)]


def protocol_of(model: Model, folds: Sequence[Fold]) -> Protocol:
    """as-of where the folds have an order of time and the model can be updated, else frozen."""
    return "as-of" if all("as-of" in possible(model, one.split) for one in folds) else "frozen"


def tune(
    make: Make,
    search: Search,
    trials: int = 30,
    on_trial: Callable[[int, float], None] | None = None,
) -> Tuned:
    """Try `trials` settings, the defaults first; the same seed gives the same search.

    make: returns a model for a name, seed and settings. on_trial: called with each trial's number
    (from 0) and validation RMSE. Raises `InputError` for a model without settings to search.
    Reference: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization" (the
    tree-structured Parzen estimator, by optuna).
    """
    if trials < 1:
        raise InputError(f"tune: {trials} trials; give 1 or more")
    optuna = _optuna()
    first = make(search.model, seed=search.seed)
    ranges, own = _ranges(first), first.settings()
    for fold in search.folds:
        require(first, fold.split, (search.protocol,))
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=search.seed))
    # Words, such as auto, are none of the numbers that a later trial takes.
    words = {name: own[name] for name in ranges if isinstance(own[name], str)}
    study.enqueue_trial({name: own[name] for name in ranges if name not in words})

    def objective(trial: "Trial") -> float:
        kept = words if trial.number == 0 else {}
        searched = {name: bounds for name, bounds in ranges.items() if name not in kept}
        settings = kept | {name: _suggested(trial, name, each) for name, each in searched.items()}
        rmse = validation_rmse(make(search.model, seed=search.seed, **settings), search)
        if on_trial is not None:
            on_trial(trial.number, rmse)
        progress.advance()
        return rmse

    with bar(f"tune {search.model}", trials, unit="trials") as progress:
        study.optimize(objective, n_trials=trials)
    found = words | study.best_params
    best = {name: found[name] for name in ranges}
    return Tuned(study.trials[0].value, study.best_value, best, len(study.trials))


def validation_rmse(model: Model, search: Search) -> float:
    """RMSE over the rows of every fold's valid, each of a fresh fit of `model` on its train."""
    squares, rows = 0.0, 0
    for train, valid in search.folds:
        fitted = replace(model).fit(train, valid)
        if search.protocol == "frozen":
            forecast = fitted.predict(valid.requests())
        else:
            forecast = as_of(fitted, {"train": train, "valid": valid})["valid"]
        squares += Score.of(forecast, valid).rmse ** 2 * len(valid)
        rows += len(valid)
    return float(np.sqrt(squares / rows))


def _suggested(trial: "Trial", name: str, bounds: Range) -> float:
    if isinstance(bounds.low, int) and isinstance(bounds.high, int):
        return trial.suggest_int(name, bounds.low, bounds.high, log=bounds.log)
    return trial.suggest_float(name, bounds.low, bounds.high, log=bounds.log)


def _ranges(model: Model) -> dict[str, Range]:
    if not model.search:
        raise InputError(f"tune: model {model.name} has no setting to search")
    return model.search


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise InputError(
            "tune: needs optuna; install it with pip install 'ratecast[tune]'"
        ) from None
    # As a warning it prints the traceback of a failure, which is raised too.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
