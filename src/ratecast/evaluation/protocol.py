"""The two evaluation protocols: frozen and as-of (prequential)."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from ratecast.errors import InputError
from ratecast.evaluation.list_quality import ListQuality
from ratecast.evaluation.permutation_importance import Importance
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.refreshing import pieces
from ratecast.modelling.contract.shared_fits import spared_clock
from ratecast.modelling.kernels.compile_seconds import compile_clock
from ratecast.progress import Bar, bar
from ratecast.ratings import Ratings
from ratecast.splits import Split

_FROZEN = "use --protocol frozen (protocol='frozen' in Python)"

Protocol = Literal["frozen", "as-of"]
# Frozen first: as-of changes the model.
BOTH: tuple[Protocol, ...] = ("frozen", "as-of")


@dataclass(frozen=True)
class Trial:
    """One model, fitted once on one split, and its forecasts of the parts.

    fit_seconds: without those to compile or load the loops of the fit, which are compile_seconds.
    importances: of the columns of side information, where they were measured. lists: the quality of
    the top-N lists by part, where it was measured.
    """

    model: str
    protocol: Protocol
    split: Split
    fit_seconds: float
    predict_seconds: float
    forecasts: dict[str, Forecast]
    importances: tuple[Importance, ...] = ()
    compile_seconds: float = 0.0
    lists: dict[str, ListQuality] = field(default_factory=dict)

    def without_split(self) -> dict[str, Any]:
        """The other fields, for a process that has the split already."""
        return {
            each.name: getattr(self, each.name) for each in fields(self) if each.name != "split"
        }


class Seconds(NamedTuple):
    """Wall-clock seconds of a fit, and beside these what it took to compile or load its loops."""

    fit: float = 0.0
    compile: float = 0.0


def fit_timed(model: Model, split: Split) -> Seconds:
    """Fit `model` on the split's train part; of a fit that runs share, the seconds it took once."""
    with bar(f"{model.name}: fit"), compile_clock() as clock, spared_clock() as spared:
        start = time.perf_counter()
        model.fit(split.train, split.valid)
        whole = time.perf_counter() - start
    return Seconds(max(whole - clock.seconds, 0.0) + spared.seconds, clock.seconds)


def go_on(model: Model, before: Trial, split: Split) -> Seconds:
    """Update the model of a trial with the ratings that a later train has more.

    It is refreshed, and not fitted anew. Raises `InputError` for a model that cannot be updated.
    """
    if not model.updates_online():
        raise InputError(f"{split.name}: model {model.name} cannot be updated; use fit=anew")
    # As-of has observed the rows that it forecast.
    seen = len(before.split.train) + (before.protocol == "as-of") * len(before.split.test)
    more = split.train.take(slice(seen, None))
    with compile_clock() as clock:
        start = time.perf_counter()
        if len(more):
            model.observe(more)
        model.refresh(split.train)
        whole = time.perf_counter() - start
    return Seconds(max(whole - clock.seconds, 0.0), clock.seconds)


def run(
    model: Model,
    split: Split,
    protocol: Protocol,
    seconds: Seconds = Seconds(),  # noqa: B008
) -> Trial:
    """Forecast the parts of `split` with a fitted model.

    protocol: `frozen`: the model gets no ratings after the fit; every part is predicted at once.
    `as-of`: valid, then test are walked in time order; every rating is forecast from all ratings
    with a strictly earlier time, and then observed. This changes the model.
    """
    start = time.perf_counter()
    if protocol == "frozen":
        forecasts = {name: model.predict(part.requests()) for name, part in split.parts.items()}
    else:
        forecasts = as_of(model, split.parts)
    taken = time.perf_counter() - start
    return Trial(
        model.name, protocol, split, seconds.fit, taken, forecasts, compile_seconds=seconds.compile
    )


def fit_and_predict(
    model: Model, split: Split, protocols: Sequence[Protocol] = BOTH, *, with_lists: bool = False
) -> list[Trial]:
    """Fit `model` once, then forecast by every protocol that it and the split allow.

    Frozen comes first, because as-of changes the model. as-of is skipped if the parts of the split
    are not in time order, or if the model has no online updates. with_lists: measure the top-N
    lists of the frozen model too.
    """
    seconds = fit_timed(model, split)
    allowed = possible(model, split)
    return [
        with_own_lists(trial, model) if with_lists and each == "frozen" else trial
        for each in allowed
        if each in protocols
        for trial in [run(model, split, each, seconds)]
    ]


def with_own_lists(trial: Trial, model: Model) -> Trial:
    """A frozen trial with the quality of the lists of its model, before as-of changes that."""
    with bar(f"{model.name}: lists"):
        return replace(trial, lists=ListQuality.by_part(model, trial.split))


def possible(model: Model, split: Split) -> tuple[Protocol, ...]:
    """The protocols that a model and a split allow, frozen first."""
    return BOTH if model.updates_online() and in_order(split) else BOTH[:1]


def require(model: Model, split: Split, wanted: Sequence[Protocol]) -> None:
    """Refuse a fit without its packages, and as-of alone where the model or split has none."""
    if not model.is_fitted:
        model.require_packages(len(split.train))
    if "frozen" not in wanted and "as-of" not in possible(model, split):
        _check_online(model)
        check_order(split.parts)


def in_order(split: Split) -> bool:
    """Whether as-of is possible: the parts have times, and each is later than the one before."""
    parts = list(split.parts.values())
    return all(part.timed for part in parts) and all(
        before.at.max() < after.at.min() for before, after in pairwise(parts)
    )


def as_of(model: Model, parts: dict[str, Ratings]) -> dict[str, Forecast]:
    """Walk the parts after the first one, which the model was fitted on, in time order.

    The model is refreshed when that is due, on all ratings up to then.
    """
    _check_online(model)
    check_order(parts)
    (_, history), *later = parts.items()
    forecasts: dict[str, list[Forecast]] = {name: [] for name, _ in later}
    with ExitStack() as bars:
        progress: dict[str, Bar] = {}
        for name, piece in pieces(model, history, dict(later)):
            if name not in progress:
                bars.close()
                # A single piece gives no progress to show.
                total = len(parts[name]) if len(piece) < len(parts[name]) else None
                shown = bar(f"{model.name}: as-of {name}", total, unit="ratings")
                progress[name] = bars.enter_context(shown)
            forecasts[name].append(model.walk(piece))
            progress[name].advance(len(piece))
    return {name: Forecast.concat(each) for name, each in forecasts.items()}


def _check_online(model: Model) -> None:
    if not model.updates_online():
        raise InputError(f"as-of: model {model.name} cannot be updated; {_FROZEN}")


def check_order(parts: dict[str, Ratings]) -> None:
    """Refuse parts that overlap in time: the first one would leak the second."""
    for (name, part), (later_name, later) in pairwise(parts.items()):
        if not (part.timed and later.timed):
            raise InputError(f"as-of: the table has no timestamps; {_FROZEN}")
        if part.at.max() >= later.at.min():
            raise InputError(
                f"as-of: part {name} ends after {later_name} begins; {_FROZEN}, or "
                "the whole table as --data with --split chronological"
            )
