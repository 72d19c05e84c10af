"""Reads the curves of a run from TensorBoard's event files."""

from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ratecast.arrays import F64
from ratecast.errors import InputError
from ratecast.plots.training import Curve


def scalars(folder: Path, tag: str) -> tuple[F64, F64]:
    """Steps and values of a tag, (s,) each, in the order of the file.

    Raises `InputError` if the folder has no such curve.
    """
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    tags = events.Tags()["scalars"]
    if tag not in tags:
        known = ", ".join(sorted(tags)) or "none"
        raise InputError(f"{folder}: no curve {tag!r}; curves are {known}")
    points = events.Scalars(tag)
    return np.array([e.step for e in points], float), np.array([e.value for e in points])


def curve(folder: Path) -> Curve:
    """RMSE on train and valid after each epoch of the run in `folder`."""
    train, valid = (scalars(folder, f"{part}/rmse")[1] for part in ("train", "valid"))
    epochs = np.arange(1, len(valid) + 1, dtype=float)
    return Curve(epochs.tolist(), train.tolist(), valid.tolist())
