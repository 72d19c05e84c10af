"""An acknowledged rating is durable; a retry after an error stores nothing twice."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ratecast.serving.errors import UnavailableError
from ratecast.serving.live.served_model import load
from ratecast.serving.live.state import LiveState
from ratecast.serving.metrics import Metrics
from ratecast.serving.store.database import Event, Store
from ratecast.serving.writer import GroupCommitWriter, WriteRequest

NOW = 2_000_000_000.0


class Broken(Store):
    """A store whose commits fail: before anything is written, or after all of it is."""

    before = after = False
    commits = 0

    def write(self, events: list[Event], fresh: list[tuple[str, int]]) -> None:
        if self.before:
            raise sa.exc.OperationalError("commit", {}, Exception("gone"))
        super().write(events, fresh)
        self.commits += 1
        if self.after:
            raise sa.exc.OperationalError("commit", {}, Exception("gone"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Broken]:
    opened = Broken(f"sqlite:///{tmp_path / 'ratings.db'}")
    yield opened
    opened.close()


def within(
    store: Broken, artifact: Path, work: Callable[[GroupCommitWriter, LiveState], Awaitable[None]]
) -> LiveState:
    async def run() -> LiveState:
        live = LiveState(load(artifact, store.events_since()), [])
        writer = GroupCommitWriter(store, live, Metrics(), lambda: NOW)
        await work(writer, live)
        await writer.close()
        return live

    return asyncio.run(run())


def test_writes_that_wait_share_a_commit(store: Broken, artifact: Path) -> None:
    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        users = range(2000, 2040)
        await asyncio.gather(*(writer.write(WriteRequest(user, {50: 4.0})) for user in users))
        assert {user: live.given[user][50].stars for user in users} == dict.fromkeys(users, 4.0)

    within(store, artifact, work)
    assert store.commits == 1
    assert len(store.events_since().ratings) == 40


def test_a_user_has_one_write_per_commit(store: Broken, artifact: Path) -> None:
    async def work(writer: GroupCommitWriter, _: LiveState) -> None:
        requests = [
            WriteRequest(2000, {50: 4.0}),
            WriteRequest(2000, {50: 2.0}),
            WriteRequest(2000, {1: 3.0, 2: 3.0}),
        ]
        await asyncio.gather(*map(writer.write, requests))

    within(store, artifact, work)
    given = store.events_since().ratings
    assert [(g.movie, g.stars) for g in given] == [("50", 2.0), ("1", 3.0), ("2", 3.0)]
    assert [g.at - int(NOW) for g in given] == [1, 2, 2]
    assert given[1].commit == given[2].commit > given[0].commit


def test_a_failed_commit_changes_nothing(store: Broken, artifact: Path) -> None:
    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        store.before = True
        with pytest.raises(UnavailableError):
            await writer.write(WriteRequest(2000, {50: 4.0}))
        assert live.ratings_of(2000) == {}
        store.before = False
        await writer.write(WriteRequest(2000, {50: 3.0}))

    live = within(store, artifact, work)
    assert [g.stars for g in store.events_since().ratings] == [3.0]
    assert live.ratings_of(2000) == {50: (3.0, int(NOW))}


def test_a_commit_with_unknown_outcome_is_applied_later(store: Broken, artifact: Path) -> None:
    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        store.after = True
        with pytest.raises(UnavailableError):
            await writer.write(WriteRequest(2000, {50: 4.0}))
        store.after = False
        await writer.write(WriteRequest(2001, {50: 2.0}))
        assert live.ratings_of(2000) == {50: (4.0, int(NOW))}
        assert live.served.model.history_of(2000)[0].stars == 4.0  # type: ignore[attr-defined]

    within(store, artifact, work)
    assert [(g.user, g.seq) for g in store.events_since().ratings] == [("2000", 1), ("2001", 2)]


def test_a_restart_gives_the_same_state(store: Broken, artifact: Path) -> None:
    """To the last bit, probabilities and the calibration included."""

    async def work(writer: GroupCommitWriter, _: LiveState) -> None:
        for turn in range(12):
            requests = [
                WriteRequest(2000 + k, {1 + (turn * 7 + k) % 200: 1.0 + k % 5}) for k in range(100)
            ]
            await asyncio.gather(*map(writer.write, requests))

    live = within(store, artifact, work)
    again = load(artifact, store.events_since())
    one, two = live.served.model, again.model
    assert one.calibration.pending == two.calibration.pending == 200
    for name, value in one.calibration.packed().items():
        assert (value == two.calibration.packed()[name]).all(), name
    assert [one.history_of(u) for u in range(2000, 2100)] == [  # type: ignore[attr-defined]
        two.history_of(u)  # type: ignore[attr-defined]
        for u in range(2000, 2100)
    ]


def test_what_is_given_anew_takes_the_old_back(store: Broken, artifact: Path) -> None:
    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        before = live.ratings_of(196)[242]
        events = await writer.write(WriteRequest(196, {242: 5.0}))
        assert len(events) == 2
        assert before != live.ratings_of(196)[242] == (5.0, int(NOW))
        await writer.write(WriteRequest(196, remove=(242,)))
        assert 242 not in live.ratings_of(196)
        await writer.write(WriteRequest(196, forget=True))
        assert live.ratings_of(196) == {}

    within(store, artifact, work)
    written = store.events_since()
    assert written.ratings == []
    assert written.removals == []
    assert written.deleted.among(["195", "196"]) == ["196"]
