"""Ratings given to a service without a server, and the same ratings walked by a model."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from ratecast.modelling.contract.forecast import Forecast
from ratecast.models import load_model
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, checked
from ratecast.serving.live.served_model import load
from ratecast.serving.live.state import LiveState
from ratecast.serving.metrics import Metrics
from ratecast.serving.store.database import Store
from ratecast.serving.store.scores import saved_scores
from ratecast.serving.writer import GroupCommitWriter, WriteRequest

NOW = 2_000_000_000.0
Work = Callable[[GroupCommitWriter, LiveState], Awaitable[None]]


def started(store: Store, artifact: Path) -> LiveState:
    """As a service starts."""
    stored = store.events_since()
    live = LiveState(load(artifact, stored), stored.ratings)
    live.resume(saved_scores(store))
    return live


def within(store: Store, artifact: Path, work: Work) -> LiveState:
    """The state after some work of a service, which then ends as by a kill: nothing is saved."""

    async def run() -> LiveState:
        live = started(store, artifact)
        writer = GroupCommitWriter(store, live, Metrics(), lambda: NOW)
        await work(writer, live)
        await writer.close()
        return live

    return asyncio.run(run())


def random_commits(seed: int, commits: int, users: int = 40) -> list[list[WriteRequest]]:
    """Commits of one to eight users, each with one to twelve movies that the user did not rate."""
    random, rated = np.random.default_rng(seed), set[tuple[int, int]]()
    made = []
    for _ in range(commits):
        group = []
        for user in random.choice(users, int(random.integers(1, 9)), replace=False).tolist():
            movies = random.choice(300, int(random.integers(1, 13)), replace=False) + 1
            stars = {
                movie: float(random.integers(1, 6))
                for movie in movies.tolist()
                if (user, movie) not in rated
            }
            rated |= {(user, movie) for movie in stars}
            if stars:
                group.append(WriteRequest(3000 + user, stars))
        made.append(group)
    return made


async def give(writer: GroupCommitWriter, group: list[WriteRequest]) -> None:
    """Ratings of several users, in one commit."""
    await asyncio.gather(*map(writer.write, group))


def walked(store: Store, artifact: Path) -> tuple[Forecast, Ratings]:
    """The stored ratings, and their forecasts by an as-of walk, each commit a moment of its own."""
    events = store.events_since().ratings
    frame = pl.DataFrame(
        {
            USER: [int(event.user) for event in events],
            MOVIE: [int(event.movie) for event in events],
            RATING: [event.stars for event in events],
            AT: [event.at for event in events],
        }
    )
    sizes = [len(list(group)) for _, group in groupby(events, lambda event: event.commit)]
    model = load_model(artifact)
    given = checked(Ratings(frame, scale=model.scale))
    return model.walk(given, np.cumsum([0, *sizes])), given
