"""When an updated model is refreshed while it walks."""

from collections.abc import Iterator

import numpy as np

from ratecast.arrays import I64
from ratecast.modelling.contract.model import Model
from ratecast.ratings import Ratings


def pieces(
    model: Model, learned: Ratings, parts: dict[str, Ratings]
) -> Iterator[tuple[str, Ratings]]:
    """What to walk, piece after piece of each part; before each, the model is refreshed if due.

    model: fitted on `learned`. parts: by name, in time order. A refresh gets all ratings up to
    then, and happens only where a period of `model.refresh_seconds` begins, and no sooner than
    `model.refresh_after` says. All rows up to the next refresh are one piece, since the forecasts
    are the same.
    """
    new_ratings = 0
    for name, part in parts.items():
        edges, start = periods(part, model.refresh_seconds), 0
        while start < len(part):
            if new_ratings and new_ratings >= model.refresh_after():
                model.refresh(learned)
                new_ratings = 0
            due = start + max(model.refresh_after() - new_ratings, 1)
            stop = int(edges[min(int(np.searchsorted(edges, due)), len(edges) - 1)])
            piece = part.take(slice(start, stop))
            yield name, piece
            learned, start = learned.with_more(piece), stop
            new_ratings += len(piece)


def periods(stream: Ratings, seconds: int | None) -> I64:
    """First rows of the periods of `seconds` (UTC) in `stream`, then n: (periods + 1,)."""
    period = np.zeros(len(stream), np.int64) if seconds is None else stream.at // seconds
    return np.concatenate([[0], np.flatnonzero(np.diff(period)) + 1, [len(stream)]])
