"""Splits by time: every part is later than the one before it."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ratecast.data.frames import ratings_of
from ratecast.data.pairs import Table
from ratecast.errors import InputError
from ratecast.ratings import Ratings
from ratecast.splits.numbers import check_count, check_share
from ratecast.splits.shares import TRAIN_SHARE, Shares
from ratecast.splits.split import Border, Split

ORIGINS = 5
FITS = ("anew", "refreshed")


def chronological(ratings: Table, share: float = TRAIN_SHARE, shares: str | None = None) -> Split:
    """Chronological split: train, then valid, then test, each period after the one before it.

    The test border is the `share` quantile of the times, the valid border the same quantile of the
    times before it; a border belongs to the later period. Rows of equal time stay in one part.
    Parts are sorted by time. ratings: `Ratings`, or a frame with times. shares: of train, valid and
    test instead, as in 70/10/20; valid may be 0.

    Raises `InputError` for a table without timestamps, and if a part would be empty.

    >>> import ratecast as rc
    >>> split = rc.chronological(rc.example_ratings())
    >>> int(split.train.at.max()) < int(split.test.at.min())
    True
    """
    where = "chronological split"
    wanted = Shares.of(share, shares, where)
    in_order = _in_order(ratings, where)
    at = in_order.at
    test_from = _border(at, wanted.known)
    known = at[: np.searchsorted(at, test_from)]
    valid_from = _border(known, wanted.train) if wanted.has_valid else None
    return _cut("chronological", in_order, valid_from, (test_from, None))


def cut(
    ratings: Table,
    test: str | int,
    valid: str | int | None = None,
    until: str | int | None = None,
) -> Split:
    """Split by dates: test from the first one on, valid before it.

    test, valid: from when on they last, as ISO dates or times, in UTC where they have no zone, or
    as UTC seconds; each belongs to the later period. Without `valid` it is the latest fifth of what
    is before test. until: ratings from then on are left out.
    Raises `InputError` if a part would be empty.

    >>> import ratecast as rc
    >>> split = rc.cut(rc.example_ratings(), "1970-01-20")
    >>> split.borders["test"]
    (1641600, None)
    """
    in_order = _in_order(ratings, "cut")
    begin, end = seconds(test), None if until is None else seconds(until)
    if end is not None and end <= begin:
        raise InputError(f"cut: until {until} is not after {test}; give a later one")
    before = in_order.at[: np.searchsorted(in_order.at, begin)]
    valid_from = _border(before, TRAIN_SHARE) if valid is None else seconds(valid)
    if valid_from >= begin:
        raise InputError(
            f"cut: valid from {valid} is not before test from {test}; give an earlier one"
        )
    return _cut("cut", in_order, valid_from, (begin, end))


def rolling_origin(
    ratings: Table, origins: int = ORIGINS, share: float = 0.5, fit: str = "anew"
) -> list[Split]:
    """Rolling origin, or backtest: the latest rows in windows, each forecast from all before it.

    The first origin is the `share` quantile of the times; from there on the rows are cut into
    `origins` windows of about the same number, and rows of equal time stay in one. Split k has the
    k-th window as test, all earlier rows as train, and no valid. fit: anew at each origin; or
    refreshed, where the model of the origin before is given the ratings since then, and refreshed.
    Reference: Tashman 2000, "Out-of-sample tests of forecasting accuracy".

    >>> import ratecast as rc
    >>> [len(each.train) for each in rc.rolling_origin(rc.example_ratings(), origins=2)]
    [751, 1128]
    """
    check_count("rolling", 1, origins=origins)
    check_share("rolling", share)
    if fit not in FITS:
        raise InputError(f"rolling: fit is {fit!r}; give {' or '.join(FITS)}")
    in_order = _in_order(ratings, "rolling")
    starts = [
        _border(in_order.at, float(each)) for each in np.linspace(share, 1, origins, endpoint=False)
    ]
    return [
        replace(
            _cut(f"rolling-{k + 1}", in_order, None, window), continues=k > 0 and fit == FITS[1]
        )
        for k, window in enumerate(zip(starts, [*starts[1:], None], strict=True))
    ]


def seconds(moment: str | int) -> int:
    """UTC seconds of an ISO date or time, which is in UTC where it has no zone."""
    if isinstance(moment, int):
        return moment
    if not isinstance(moment, str):
        raise InputError(f"date {moment!r}: write it as 2015-01-31, or as UTC seconds")
    try:
        when = datetime.fromisoformat(moment.strip())
    except ValueError:
        # A number of four digits is a year.
        if moment.strip().isdigit():
            short = len(moment.strip()) == 4
            return seconds(f"{moment.strip()}-01-01") if short else int(moment)
        raise InputError(f"date {moment!r}: write it as 2015-01-31, or as UTC seconds") from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def _in_order(ratings: Table, where: str) -> Ratings:
    ratings = ratings_of(ratings)
    if not ratings.timed:
        raise InputError(
            f"{where}: the table has no timestamps; use --split holdout (rc.holdout in Python)"
        )
    in_order: Ratings = ratings.sorted()
    return in_order


def _cut(name: str, in_order: Ratings, valid_from: int | None, test: Border) -> Split:
    """Parts of a sorted table: train before valid, or before test where there is no valid."""
    at, (test_from, until) = in_order.at, test
    assert test_from is not None
    first = test_from if valid_from is None else valid_from
    starts = [int(np.searchsorted(at, each)) for each in (first, test_from)]
    end = len(at) if until is None else int(np.searchsorted(at, until))
    rows = {"train": (0, starts[0]), "valid": tuple(starts), "test": (starts[1], end)}
    borders: dict[str, Border] = {"train": (None, first), "valid": (first, test_from), "test": test}
    if valid_from is None:
        del rows["valid"], borders["valid"]
    parts = {part: in_order.take(slice(*span)) for part, span in rows.items()}
    for part, taken in parts.items():
        if not len(taken):
            if name == "chronological" or not len(at):
                raise InputError(f"{name} split: part {part} is empty; give more ratings")
            whole = _period((int(at[0]), int(at[-1])), " to ")
            raise InputError(
                f"{name} split: part {part} is empty ({_period(borders[part])}); the table is "
                f"{whole}: give other dates"
            )
    return Split(
        name, parts["train"], parts.get("valid"), parts["test"], "time",
        borders=borders, left_out=len(at) - end,
    )  # fmt: skip


def _period(border: Border, until: str = " before ") -> str:
    first, last = (None if each is None else datetime.fromtimestamp(each, UTC) for each in border)
    words = [f"from {first:%Y-%m-%d %H:%M:%S}"] if first else []
    words += [f"{until}{last:%Y-%m-%d %H:%M:%S}"] if last else []
    return "".join(words).strip()


def _border(at: NDArray[np.int64], share: float) -> int:
    """First whole second after the `share` quantile. at: sorted."""
    if not len(at):
        raise InputError("chronological split: a part is empty; give more ratings")
    position = (len(at) - 1) * share
    low = int(position)
    # The quantile lies between two adjacent values, so the others are not needed.
    return int(np.floor(np.quantile(at[low : low + 2], position - low))) + 1
