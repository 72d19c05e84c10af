"""Every rating is scored once, against the forecast made before it, kills and swaps included."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from ratecast.metrics.scores import Score
from ratecast.models.bias import Bias
from ratecast.ratings import Ratings
from ratecast.serving.live.served_model import load
from ratecast.serving.live.state import LiveState
from ratecast.serving.quality import scores as sums
from ratecast.serving.quality.scores import ALL, Figures
from ratecast.serving.store.database import Store
from ratecast.serving.writer import GroupCommitWriter, WriteRequest
from tests.serving.quality.given import give, random_commits, started, walked, within


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    opened.lock.take()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bias(ml100k: Ratings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bias") / "artifact"
    Bias().fit(ml100k.sorted()).save(folder)
    return folder


def figures(live: LiveState) -> dict[str, Figures]:
    total = live.scores().total
    assert total is not None
    return total.figures()


@pytest.mark.parametrize("model", ["artifact", "bias"])
def test_the_scores_are_those_of_an_as_of_walk_to_the_last_bit(
    store: Store, model: str, request: pytest.FixtureRequest
) -> None:
    """However often they are looked at meanwhile; new users, many movies in a commit included."""
    folder: Path = request.getfixturevalue(model)

    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        for number, group in enumerate(random_commits(0, 60)):
            await give(writer, group)
            if number % 7 == 0:
                live.scores()

    found = figures(within(store, folder, work))
    forecast, given = walked(store, folder)
    score = Score.of(forecast, given)
    assert score.n > 1_500
    assert {k: v for k, v in asdict(found[ALL]).items() if k in asdict(score)} == asdict(score)
    drift = np.mean(given.stars.astype(float) - forecast.stars)
    assert found[ALL].drift == pytest.approx(drift, abs=1e-12)
    new = forecast.history_length == 0
    first = Score.of(forecast.take(new), given.take(new))
    assert (found["history-0"].n, found["history-0"].rmse) == (first.n, first.rmse)


def test_a_rating_given_again_is_no_test_row(store: Store, artifact: Path) -> None:
    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        await give(writer, [WriteRequest(3000, {1: 4.0, 2: 3.0})])
        before = figures(live)
        assert before[ALL].n == 2
        await give(writer, [WriteRequest(3000, {1: 2.0})])
        await give(writer, [WriteRequest(3000, {1: 2.0})])
        await give(writer, [WriteRequest(3000, remove=(2,))])
        await give(writer, [WriteRequest(3000, {2: 5.0})])
        # User 196 rated movie 242 in the training table.
        await give(writer, [WriteRequest(196, {242: 5.0})])
        assert figures(live) == before
        await give(writer, [WriteRequest(3000, {3: 5.0})])
        assert figures(live)[ALL].n == 3

    live = within(store, artifact, work)
    assert figures(started(store, artifact)) == figures(live)


def test_a_kill_loses_and_doubles_nothing(store: Store, artifact: Path) -> None:
    """What was not saved is counted again, from the forecasts of the same moments."""
    groups = random_commits(1, 40)

    async def first(writer: GroupCommitWriter, live: LiveState) -> None:
        for group in groups[:20]:
            await give(writer, group)
        live.quality.was_saved(0)
        for group in groups[20:30]:
            await give(writer, group)

    live = within(store, artifact, first)
    again = started(store, artifact)
    assert 0 < again.quality.saved < live.scores().seq
    assert figures(again) == figures(live)

    async def more(writer: GroupCommitWriter, _: LiveState) -> None:
        for group in groups[30:]:
            await give(writer, group)

    found = figures(within(store, artifact, more))
    forecast, given = walked(store, artifact)
    assert found[ALL].rmse == Score.of(forecast, given).rmse


def test_a_deleted_rating_stays_in_the_sums_through_a_kill(store: Store, artifact: Path) -> None:
    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        await give(writer, [WriteRequest(3000, {1: 4.0})])
        # Saved a moment ago, so that the next save is not due by time.
        live.quality.was_saved(live.scores().seq)
        await give(writer, [WriteRequest(3000, {2: 4.0, 3: 1.0})])
        await give(writer, [WriteRequest(3000, remove=(2,))])
        await give(writer, [WriteRequest(3001, {2: 4.0})])
        await give(writer, [WriteRequest(3001, forget=True)])
        assert figures(live)[ALL].n == 4

    live = within(store, artifact, work)
    assert live.served.recent.rows() is not None
    assert figures(started(store, artifact)) == figures(live)


def test_another_model_counts_what_comes_after_it(store: Store, artifact: Path, bias: Path) -> None:
    groups = random_commits(2, 20)

    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        for group in groups[:10]:
            await give(writer, group)
        before = figures(live)[ALL].n
        live.backlog = []
        new = load(bias, store.events_since())
        await give(writer, groups[10])
        live.swap(new)
        assert figures(live)[ALL].n == before + sum(len(each.stars) for each in groups[10])
        for group in groups[11:]:
            await give(writer, group)

    live = within(store, artifact, work)
    assert figures(live)[ALL].n == len(store.events_since().ratings)


def test_the_window_is_of_the_newest(
    store: Store, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "BLOCK", 50)
    monkeypatch.setattr(sums, "BLOCKS", 4)

    async def work(writer: GroupCommitWriter, _: LiveState) -> None:
        for group in random_commits(3, 30):
            await give(writer, group)

    live = within(store, artifact, work)
    state = live.scores()
    assert state.total is not None
    assert state.window is not None
    newest = 4 * 50 + (state.total.n % 50 or 50)
    forecast, given = walked(store, artifact)
    rows = np.arange(len(given) - newest, len(given))
    score = Score.of(forecast.take(rows), given.take(rows))
    found = state.window.figures()[ALL]
    assert found.n == score.n == newest
    assert found.rmse == pytest.approx(score.rmse, abs=1e-12)
    assert found.ece == pytest.approx(score.ece, abs=1e-12)


def test_saved_scores_hold_no_id(store: Store, artifact: Path) -> None:
    """Sums alone: their size does not grow, and they are read back to the bit."""

    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        for group in random_commits(4, 10):
            await give(writer, group)
        state = live.scores()
        packed = state.packed()
        assert len(packed) < 10_000
        again = sums.Scores.unpacked(packed)
        assert again.total is not None
        assert again.total.figures() == figures(live)
        assert (again.seq, len(again.blocks)) == (state.seq, len(state.blocks))

    within(store, artifact, work)


def test_scores_that_cannot_be_read_begin_anew(
    store: Store, artifact: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(writer: GroupCommitWriter, _: LiveState) -> None:
        await give(writer, [WriteRequest(3000, {1: 4.0})])

    within(store, artifact, work)
    stored = store.events_since()
    live = LiveState(load(artifact, stored), stored.ratings)
    live.resume(b"nothing of ours")
    assert live.scores().total is None
    assert "scores begin anew" in caplog.text


def test_a_forecast_that_cannot_be_scored_refuses_no_rating(
    store: Store, artifact: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> int:
        raise ValueError("no score")

    async def work(writer: GroupCommitWriter, live: LiveState) -> None:
        monkeypatch.setattr(sums.Scores, "count", fails)
        await give(writer, [WriteRequest(3000, {1: 4.0})])
        live.scores()
        await give(writer, [WriteRequest(3000, {1: 3.0})])

    live = within(store, artifact, work)
    assert live.ratings_of(3000)[1][0] == 3.0
    assert "could not be scored" in caplog.text
