"""Fits of one method after more and more epochs, with the seconds of each."""

import os
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks.peers import Settings, with_epochs
from benchmarks.peers.table import Predict


class Fit(NamedTuple):
    """A model after so many epochs. seconds, cpu: of its fit, by the wall clock, of all cores."""

    epochs: int
    seconds: float
    cpu: float
    predict: Predict


def fits(peer: Any, data: Any, settings: Settings, epochs: dict[str, Any]) -> Iterator[Fit]:
    """One for each of `epochs["points"]`; `epochs["name"]` is the setting that counts them.

    A peer with `epochs` trains one after the other, and its seconds are summed; any other is fitted
    anew for each number of epochs.
    """
    if hasattr(peer, "epochs"):
        yield from _in_a_row(peer.epochs(data, settings), epochs["points"])
        return
    for count in epochs["points"]:
        chosen = with_epochs(settings, epochs["name"], count)
        start, cpu_start = time.perf_counter(), processor_seconds()
        predict = peer.fit(data, chosen)
        yield Fit(count, time.perf_counter() - start, processor_seconds() - cpu_start, predict)


def _in_a_row(trained: Iterator[Predict], points: list[int]) -> Iterator[Fit]:
    seconds = cpu = 0.0
    for count in range(1, max(points) + 1):
        start, cpu_start = time.perf_counter(), processor_seconds()
        predict = next(trained)
        seconds += time.perf_counter() - start
        cpu += processor_seconds() - cpu_start
        if count in points:
            yield Fit(count, seconds, cpu, predict)


def processor_seconds() -> float:
    """Of all threads so far, and of the processes that have ended."""
    ended = os.times()
    return time.process_time() + ended.children_user + ended.children_system
