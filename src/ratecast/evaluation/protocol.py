"""The two questions put to a model: frozen, and as-of."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.model import Model
from ratecast.progress import bar
from ratecast.ratings import Ratings
from ratecast.splits import Split

Protocol = Literal["frozen", "as-of"]


@dataclass(frozen=True)
class Trial:
    """One model, fitted once on one split, and its forecasts for the parts."""

    model: str
    protocol: Protocol
    split: Split
    fit_seconds: float
    predict_seconds: float
    forecasts: dict[str, Forecast]


def fit_timed(model: Model, split: Split) -> float:
    """Fit `model` on the split's train part; the seconds that took."""
    with bar(f"{model.name}: fit"):
        start = time.perf_counter()
        model.fit(split.train, split.valid)
        return time.perf_counter() - start


def run(model: Model, split: Split, protocol: Protocol, fit_seconds: float = 0.0) -> Trial:
    """Forecast every part of `split` with a fitted model.

    frozen: the model hears nothing more, each part is asked as a whole.
    as-of: valid, then test are walked in order of time; every rating is forecast from the ratings
    of strictly earlier moments. The model is changed by it.
    """
    start = time.perf_counter()
    if protocol == "frozen":
        forecasts = {name: model.predict(part.requests()) for name, part in split.parts.items()}
    else:
        forecasts = as_of(model, split.parts)
    seconds = time.perf_counter() - start
    return Trial(model.name, protocol, split, fit_seconds, seconds, forecasts)


def fit_and_predict(
    model: Model, split: Split, protocols: Sequence[Protocol] = ("frozen", "as-of")
) -> list[Trial]:
    """Fit `model` once, then ask it by every protocol that it and the split allow.

    Frozen comes first, since as-of changes the model. as-of is left out where the split has no
    order of time, or the model cannot hear.
    """
    seconds = fit_timed(model, split)
    can_hear = model.updates_online() and in_order(split)
    asked: list[Protocol] = ["frozen", "as-of"] if can_hear else ["frozen"]
    return [run(model, split, each, seconds) for each in asked if each in protocols]


def in_order(split: Split) -> bool:
    """Whether as-of can be asked of `split`: timed parts, each after the one before it."""
    parts = list(split.parts.values())
    return all(part.timed for part in parts) and all(
        before.at.max() < after.at.min() for before, after in pairwise(parts)
    )


def as_of(model: Model, parts: dict[str, Ratings]) -> dict[str, Forecast]:
    """Walk the parts after the first, which the model learned from, in order of time.

    The model is refreshed when that is due, on everything heard by then.
    """
    _check_order(parts)
    (_, heard), *later = parts.items()
    forecasts: dict[str, Forecast] = {}
    fresh = 0
    for name, part in later:
        answers, edges = [], periods(part, model.refresh_seconds)
        # Where all is one piece, nothing is known of how far it is.
        total = len(part) if len(edges) > 2 else None
        with bar(f"{model.name}: as-of {name}", total, unit="ratings") as walked:
            start = 0
            while start < len(part):
                if fresh and fresh >= model.refresh_after():
                    model.refresh(heard)
                    fresh = 0
                # Walked in one go as far as no refresh is due: the answers are the same.
                due = start + max(model.refresh_after() - fresh, 1)
                stop = int(edges[min(int(np.searchsorted(edges, due)), len(edges) - 1)])
                piece = part.take(slice(start, stop))
                answers.append(model.walk(piece))
                heard, fresh, start = heard.with_more(piece), fresh + len(piece), stop
                walked.advance(len(piece))
        forecasts[name] = Forecast.concat(answers)
    return forecasts


def _check_order(parts: dict[str, Ratings]) -> None:
    """Refuse parts that are not one after the other: the first would tell of the second."""
    for (name, part), (later_name, later) in pairwise(parts.items()):
        if not (part.timed and later.timed):
            raise InputError("as-of: the table has no timestamps; use --protocol frozen")
        if part.at.max() >= later.at.min():
            raise InputError(
                f"as-of: part {name} ends after {later_name} begins; use --split chronological"
            )


def periods(stream: Ratings, seconds: int | None) -> NDArray[np.int64]:
    """Borders of the whole multiples of `seconds` (UTC) in `stream`: (k + 1,), from 0 to n."""
    period = np.zeros(len(stream), np.int64) if seconds is None else stream.at // seconds
    return np.concatenate([[0], np.flatnonzero(np.diff(period)) + 1, [len(stream)]])
