"""The result of a search: the best settings, and its trials as a table."""

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from ratecast.errors import InputError
from ratecast.evaluation.tune.metrics import METRICS
from ratecast.evaluation.tune.study import (
    CUT_OFF,
    PLACE,
    REASON,
    RMSE,
    SECONDS,
    SETTINGS,
    Kept,
    optuna_package,
)

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

# So many complete trials are needed for importances, and of them so many are the best ones.
_ENOUGH, _BEST = 10, 5
# Of the table of trials, before the settings.
COLUMNS = ("trial", "state", "value", "rmse", "reason", "seconds")


@dataclass(frozen=True)
class Tuned:
    """The result of a search.

    default_rmse, default_value: validation RMSE and metric with the model's own settings, the first
    trial. rmse, value, settings: of the best trial, by the metric. trials: number of trials, of
    which `pruned` were ended early and `failed` could not be fitted. metric: its name. frame: a row
    for each trial: trial, state, value, rmse, reason, seconds, and its settings. importances: of
    each searched setting, all together 1; empty for fewer than 10 complete trials.
    """

    default_rmse: float
    rmse: float
    settings: dict[str, Any]
    trials: int
    metric: str = "rmse"
    default_value: float = float("nan")
    value: float = float("nan")
    pruned: int = 0
    failed: int = 0
    importances: dict[str, float] = field(default_factory=dict)
    frame: pl.DataFrame = field(default_factory=pl.DataFrame, compare=False, repr=False)

    def plain(self) -> dict[str, Any]:
        """All but the frame, for JSON."""
        return {name: value for name, value in vars(self).items() if name != "frame"}


def result_of(kept: Kept, name: str) -> Tuned:
    """The result so far. name: of the metric. Raises `InputError` without the first trial."""
    counted = kept.counted()
    own = next((trial for trial in counted if trial.user_attrs[PLACE] == 0), None)
    if own is None or own.value is None:
        raise InputError("tune: the study has no first trial; call tune again without a time limit")
    best = kept.study.best_trial
    states = [_state(trial) for trial in counted]
    return Tuned(
        default_rmse=own.user_attrs[RMSE],
        rmse=best.user_attrs[RMSE],
        settings=best.user_attrs[SETTINGS],
        trials=len(counted),
        metric=name,
        default_value=own.value,
        value=float(kept.study.best_value),
        pruned=states.count("pruned"),
        failed=states.count("failed"),
        importances=_importances(counted, METRICS[name].higher),
        frame=_frame(kept.study.get_trials(deepcopy=False)),
    )


def _frame(trials: "list[FrozenTrial]") -> pl.DataFrame:
    """A row for each trial, those too that a kill cut off."""
    known = [trial for trial in trials if trial.state.is_finished()]
    names = dict.fromkeys(name for trial in known for name in trial.user_attrs.get(SETTINGS, {}))
    columns = {
        "trial": [trial.number + 1 for trial in known],
        "state": [_state(trial) for trial in known],
        "value": [trial.value if trial.state.name == "COMPLETE" else None for trial in known],
        "rmse": [trial.user_attrs.get(RMSE) for trial in known],
        "reason": [trial.user_attrs.get(REASON) for trial in known],
        "seconds": [trial.user_attrs.get(SECONDS) for trial in known],
    }
    types = {"value": pl.Float64, "rmse": pl.Float64, "reason": pl.String, "seconds": pl.Float64}
    settings = {
        name: _one_type([trial.user_attrs.get(SETTINGS, {}).get(name) for trial in known])
        for name in names
    }
    return pl.DataFrame(columns | settings, schema_overrides=types)


def _one_type(values: list[Any]) -> list[Any]:
    """Text where a word, such as auto, stands among numbers."""
    given = {isinstance(value, str) for value in values if value is not None}
    if len(given) < 2:
        return values
    return [value if value is None else str(value) for value in values]


def _state(trial: "FrozenTrial") -> str:
    if CUT_OFF in trial.user_attrs:
        return "cut off"
    return {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}[trial.state.name]


def _importances(trials: "list[FrozenTrial]", higher: bool) -> dict[str, float]:
    """How much each setting has to do with being among the best complete trials.

    Reference: Watanabe, Bansal, Hutter 2023, "PED-ANOVA: Efficiently quantifying hyperparameter
    importance in arbitrary subspaces"; it needs no model of the values, and has settings that are
    searched in some trials only.
    """
    optuna = optuna_package()
    # A trial with a word in place of a number would stand for a setting that was not searched.
    complete = [
        trial
        for trial in trials
        if trial.state.name == "COMPLETE" and len(trial.params) == len(trial.user_attrs[SETTINGS])
    ]
    if len(complete) < _ENOUGH or len({trial.value for trial in complete}) == 1:
        return {}
    study = optuna.create_study(direction="maximize" if higher else "minimize")
    study.add_trials(complete)
    share = min(max(_BEST / len(complete), 0.1), 0.5)
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=share)
    with warnings.catch_warnings():
        # A setting that few of the best trials have; the page says that it is rough.
        warnings.filterwarnings("ignore", "Some regimes for parameter", UserWarning)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return dict(found)
