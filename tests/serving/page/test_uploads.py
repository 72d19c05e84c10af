"""Matching a visitor's file: beside the event loop, and with one line for what cannot be."""

import asyncio
import time
from typing import Any

import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.ratings import MOVIE
from ratecast.serving.catalogue import Catalogue
from ratecast.serving.page.uploads import MOST_OFFERS, matched
from tests.importing import catalogue


def test_matching_leaves_the_event_loop_free(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = pytest.importorskip("ratecast.serving.page.importing")

    def slow(*_: object) -> str:
        time.sleep(0.3)
        return "matched"

    async def ticks() -> tuple[int, list[str]]:
        view: Any = object.__new__(importing.ImportView)
        live = type("Live", (), {"served": type("Served", (), {"catalogue": None})()})()
        context = type("Context", (), {"matching": asyncio.Semaphore(2)})()
        service = type("Service", (), {"live": live})()
        view.visitor = type("Visitor", (), {"service": service, "context": context})()
        several = [asyncio.create_task(view._matched([("x.csv", b"")], None)) for _ in range(3)]
        count = 0
        while not all(task.done() for task in several):
            await asyncio.sleep(0.01)
            count += 1
        return count, [task.result() for task in several]

    monkeypatch.setattr(importing, "matched", slow)
    start = time.monotonic()
    count, results = asyncio.run(ticks())
    assert results == ["matched"] * 3
    # Two at once, then the third.
    assert 0.55 < time.monotonic() - start < 5
    assert count > 20


def test_a_catalogue_without_titles_is_refused() -> None:
    table = pl.DataFrame({MOVIE: [1, 2]})
    with pytest.raises(InputError, match="movies of this service have no titles"):
        matched([("x.csv", b"")], Catalogue(table, np.zeros(2, np.int64)), None)


def test_what_is_offered_for_a_doubtful_title() -> None:
    movies = catalogue.movies()
    whole = Catalogue(movies, np.zeros(len(movies), np.int64))
    films = [("Twice Told", 1973), *((f"Red Lamp in Rom {k}", 1960) for k in range(60))]
    data = catalogue.letterboxd([*catalogue.FILMS[:2], *films], lambda _: 4).encode()
    found = matched([("ratings.csv", data)], whole, None)
    assert len(found.offers) <= MOST_OFFERS
    assert [movie.title for movie in found.offers[2]] == ["Twice Told (1971)", "Twice Told (1999)"]
    assert all(found.matches.frame["status"][row] == "doubtful" for row in found.offers)
