"""The forecasts and training curves of several models, which a report is of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ratecast.errors import InputError
from ratecast.evaluation import protocol
from ratecast.evaluation.permutation_importance import permutation_importance
from ratecast.evaluation.protocol import BOTH, Protocol, Trial
from ratecast.modelling.contract.model import Model
from ratecast.plots.training import Curves
from ratecast.splits import Split
from ratecast.workers import LOCAL, Labelled, Place, Shared, gathered, in_order, pool
from ratecast.workers.local import require_importable

Make = Callable[[str, int], Model]
CurvesOf = Callable[[Mapping[str, Model]], Curves]


def no_curves(_: Mapping[str, Model]) -> Curves:
    """For models without training curves."""
    return {}


class Collected(NamedTuple):
    """The trials of all models, in their order, and the training curves of those that have one."""

    trials: list[Trial]
    curves: Curves


class Asked(NamedTuple):
    """What is collected of each model.

    seed: of the model. protocols: by which it forecasts, where it and the split allow them. part:
    on which the worth of the columns of side information is measured. curves_of: gives the training
    curves of fitted models.
    """

    seed: int = 0
    protocols: Sequence[Protocol] = BOTH
    part: str = "valid"
    curves_of: CurvesOf = no_curves


def collect(
    make: Make,
    models: Sequence[str],
    split: Split,
    asked: Asked = Asked(),  # noqa: B008
    place: Place = LOCAL,
) -> Collected:
    """Fit each model once, and forecast by every protocol that it and the split allow.

    make: returns a model for a name and a seed; importable, for other places than this process.
    models: the names, which the trials get too, so that one model can appear with several settings.
    place: where the models are fitted, each by one worker.
    """
    for number, name in enumerate(models):
        if name in models[:number]:
            raise InputError(f"report: model {name} is named twice; name each once")
    if place != LOCAL:
        require_importable((make, asked), "report")
    found: list[Trial] = []
    curves: dict[str, Any] = {}
    with pool(place) as workers:
        shared = workers.share(split)
        calls = {name: (_of_model, make, name, shared, asked) for name in models}
        ready = gathered(workers, calls, Labelled("report", "models"))
        for _, (trials, own) in in_order(ready, models):
            found += [Trial(split=split, **trial) for trial in trials]
            curves |= own
    return Collected(found, curves)


def _of_model(
    make: Make, name: str, shared: Shared[Split], asked: Asked
) -> tuple[list[dict[str, Any]], Curves]:
    """The trials of a model without the split, and its curve."""
    model, split = make(name, asked.seed), shared.value()
    seconds = protocol.fit_timed(model, split)
    # Before as-of, which changes the model.
    worth = permutation_importance(model, split, asked.part, asked.seed)
    trials = []
    for by in protocol.possible(model, split):
        if by in asked.protocols:
            trial = protocol.run(model, split, by, seconds)
            if by == "frozen":
                trial = protocol.with_own_lists(trial, model)
            trials.append(replace(trial, model=name, importances=worth).without_split())
    return trials, asked.curves_of({name: model})
