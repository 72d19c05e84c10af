"""Search of a model's settings, by its validation RMSE. The test part cannot be handed in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ratecast.errors import InputError
from ratecast.evaluation.metrics import Score
from ratecast.evaluation.protocol import Protocol, as_of
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.settings import Range
from ratecast.models import model_class
from ratecast.progress import bar
from ratecast.ratings import Ratings

if TYPE_CHECKING:
    from optuna import Trial

Make = Callable[..., Model]


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    first: validation RMSE with the model's own settings, which are tried first. rmse, settings:
    of the best trial. trials: how many were made.
    """

    first: float
    rmse: float
    settings: dict[str, Any]
    trials: int


@dataclass(frozen=True)
class Search:
    """What is searched: which model, judged on `valid` after learning from `train`, and how."""

    model: str
    train: Ratings
    valid: Ratings
    protocol: Protocol = "as-of"
    seed: int = 0


def tune(
    make: Make, search: Search, trials: int = 30, told: Callable[[int, float], None] | None = None
) -> Tuned:
    """Try `trials` settings, the model's own first; seeded, so that a search can be repeated.

    make: makes the model from its name, seed and settings. told: hears each trial's number and
    validation RMSE. Reference: Bergstra et al. 2011, "Algorithms for hyper-parameter
    optimization" (the tree-structured Parzen estimator, by optuna).
    """
    optuna = _optuna()
    ranges = _ranges(search.model)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=search.seed))
    own = make(search.model, seed=search.seed).settings()
    study.enqueue_trial({name: own[name] for name in ranges})

    def objective(trial: "Trial") -> float:
        settings = {name: _suggested(trial, name, bounds) for name, bounds in ranges.items()}
        rmse = validation_rmse(make(search.model, seed=search.seed, **settings), search)
        if told is not None:
            told(trial.number, rmse)
        tried.advance()
        return rmse

    with bar(f"tune {search.model}", trials, unit="trials") as tried:
        study.optimize(objective, n_trials=trials)
    return Tuned(study.trials[0].value, study.best_value, study.best_params, len(study.trials))


def validation_rmse(model: Model, search: Search) -> float:
    """RMSE over all rows of valid, of a model that is fitted here."""
    model.fit(search.train, search.valid)
    if search.protocol == "frozen":
        forecast = model.predict(search.valid.requests())
    else:
        forecast = as_of(model, {"train": search.train, "valid": search.valid})["valid"]
    return Score.of(forecast, search.valid).rmse


def _suggested(trial: "Trial", name: str, bounds: Range) -> float:
    if isinstance(bounds.low, int) and isinstance(bounds.high, int):
        return trial.suggest_int(name, bounds.low, bounds.high, log=bounds.log)
    return trial.suggest_float(name, bounds.low, bounds.high, log=bounds.log)


def _ranges(name: str) -> dict[str, Range]:
    ranges = model_class(name).search
    if not ranges:
        raise InputError(f"tune: model {name} has no setting to search")
    return ranges


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise InputError(
            "tune: needs optuna; install it with pip install 'ratecast[tune]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
