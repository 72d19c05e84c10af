"""Who is answered has a durable rating; who is not answered may ask again, and nothing doubles."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ratecast.serving.errors import Later
from ratecast.serving.live.served_model import load
from ratecast.serving.live.state import Live
from ratecast.serving.metrics import Measures
from ratecast.serving.store.database import Event, Store
from ratecast.serving.writer import Ledger, Wish

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


def within(store: Broken, artifact: Path, work: Callable[[Ledger, Live], Awaitable[None]]) -> Live:
    async def run() -> Live:
        live = Live(load(artifact, store.so_far()), [])
        ledger = Ledger(store, live, Measures(), lambda: NOW)
        await work(ledger, live)
        await ledger.close()
        return live

    return asyncio.run(run())


def test_writes_that_wait_share_a_commit(store: Broken, artifact: Path) -> None:
    async def work(ledger: Ledger, live: Live) -> None:
        users = range(2000, 2040)
        await asyncio.gather(*(ledger.write(Wish(user, {50: 4.0})) for user in users))
        assert {user: live.given[user][50].stars for user in users} == dict.fromkeys(users, 4.0)

    within(store, artifact, work)
    assert store.commits == 1
    assert len(store.so_far().given) == 40


def test_a_user_has_one_moment_in_a_commit(store: Broken, artifact: Path) -> None:
    async def work(ledger: Ledger, _: Live) -> None:
        wishes = [Wish(2000, {50: 4.0}), Wish(2000, {50: 2.0}), Wish(2000, {1: 3.0, 2: 3.0})]
        await asyncio.gather(*map(ledger.write, wishes))

    within(store, artifact, work)
    given = store.so_far().given
    assert [(g.movie, g.stars) for g in given] == [("50", 2.0), ("1", 3.0), ("2", 3.0)]
    assert [g.at - int(NOW) for g in given] == [1, 2, 2]
    assert given[1].moment == given[2].moment > given[0].moment


def test_nothing_is_heard_of_a_commit_that_failed(store: Broken, artifact: Path) -> None:
    async def work(ledger: Ledger, live: Live) -> None:
        store.before = True
        with pytest.raises(Later):
            await ledger.write(Wish(2000, {50: 4.0}))
        assert live.of(2000) == {}
        store.before = False
        await ledger.write(Wish(2000, {50: 3.0}))

    live = within(store, artifact, work)
    assert [g.stars for g in store.so_far().given] == [3.0]
    assert live.of(2000) == {50: (3.0, int(NOW))}


def test_a_commit_of_which_nobody_heard_is_heard_later(store: Broken, artifact: Path) -> None:
    async def work(ledger: Ledger, live: Live) -> None:
        store.after = True
        with pytest.raises(Later):
            await ledger.write(Wish(2000, {50: 4.0}))
        store.after = False
        await ledger.write(Wish(2001, {50: 2.0}))
        assert live.of(2000) == {50: (4.0, int(NOW))}
        assert live.loaded.model.history_of(2000)[0].stars == 4.0  # type: ignore[attr-defined]

    within(store, artifact, work)
    assert [(g.user, g.seq) for g in store.so_far().given] == [("2000", 1), ("2001", 2)]


def test_what_was_heard_live_is_what_is_heard_on_the_next_start(
    store: Broken, artifact: Path
) -> None:
    """To the last bit, probabilities and the calibration included."""

    async def work(ledger: Ledger, _: Live) -> None:
        for turn in range(12):
            wishes = [Wish(2000 + k, {1 + (turn * 7 + k) % 200: 1.0 + k % 5}) for k in range(100)]
            await asyncio.gather(*map(ledger.write, wishes))

    live = within(store, artifact, work)
    again = load(artifact, store.so_far())
    one, two = live.loaded.model, again.model
    assert one.calibration.pending == two.calibration.pending == 200
    for name, value in one.calibration.packed().items():
        assert (value == two.calibration.packed()[name]).all(), name
    assert [one.history_of(u) for u in range(2000, 2100)] == [  # type: ignore[attr-defined]
        two.history_of(u)  # type: ignore[attr-defined]
        for u in range(2000, 2100)
    ]


def test_what_is_given_anew_takes_the_old_back(store: Broken, artifact: Path) -> None:
    async def work(ledger: Ledger, live: Live) -> None:
        before = live.of(196)[242]
        events = await ledger.write(Wish(196, {242: 5.0}))
        assert len(events) == 2
        assert before != live.of(196)[242] == (5.0, int(NOW))
        await ledger.write(Wish(196, remove=(242,)))
        assert 242 not in live.of(196)
        await ledger.write(Wish(196, forget=True))
        assert live.of(196) == {}

    within(store, artifact, work)
    written = store.so_far()
    assert written.given == []
    assert [(r.user, r.movie) for r in written.removed] == [("196", None)]
