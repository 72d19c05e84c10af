"""A service shows its scores, refuses a worse model, and runs a shadow beside the served one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

from ratecast.cli.publishing import publish
from ratecast.errors import InputError
from ratecast.models.bias import Bias
from ratecast.models.mean import Mean
from ratecast.ratings import MOVIE, RATING, USER, Ratings
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.live.served_model import load
from ratecast.serving.live.shadow import Shadow
from ratecast.serving.quality.comparison import read_comparison
from ratecast.serving.store.database import Store
from tests.serving.place import Place
from tests.serving.quality.given import random_commits, within
from tests.serving.test_hot_swap import serving, until

USERS, EACH = 50, 20


@pytest.fixture(scope="module")
def trained(ml100k: Ratings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    Bias().fit(ml100k.sorted()).save(folder / "bias")
    Mean().fit(ml100k.sorted()).save(folder / "mean")
    return folder


def give(client: httpx.Client, ratings: Ratings) -> int:
    """Ratings of real users, given by new ones, ten at a time; how many."""
    count, pairs = 0, ratings.frame.unique([USER, MOVIE], keep="last", maintain_order=True)
    for user in range(1, USERS + 1):
        rows = pairs.filter(pl.col(USER) == user).head(EACH)
        for part in rows.iter_slices(10):
            given = [
                {"movie": movie, "stars": stars}
                for movie, stars in part.select(MOVIE, RATING).rows()
            ]
            path = f"/v1/users/{9000 + user}/ratings/many"
            assert client.post(path, json={"ratings": given}).status_code == 201
            count += len(given)
    return count


def test_a_worse_model_is_refused_and_a_shadow_runs_beside(
    ml100k: Ratings, trained: Path, tmp_path: Path
) -> None:
    artifacts = ArtifactStore(tmp_path)
    first = artifacts.publish(trained / "bias")
    with Place(tmp_path).open() as client:
        assert client.get("/v1/quality").json()["all"] == {}
        count = give(client, ml100k)
        found = client.get("/v1/quality").json()
        assert found["all"]["all"]["n"] == found["window"]["all"]["n"] == count
        assert 0.8 < found["all"]["all"]["rmse"] < 1.2
        assert found["all"]["history-0"]["n"] == 10 * USERS
        line = 'ratecast_forecast_ratings{history="all",model="served",span="all"}'
        assert f"{line} {count:.1f}" in client.get("/metrics").text

        worse = artifacts.publish(trained / "mean")
        until(lambda: worse in artifacts.verdicts())
        assert "worse than the served model" in artifacts.verdicts()[worse]
        comparison = read_comparison(artifacts.folder(worse))
        assert comparison is not None
        assert comparison.is_worse
        assert comparison.n == count
        assert str(comparison) in artifacts.verdicts()[worse]
        assert serving(client) == first

        shadow = artifacts.publish(trained / "mean", shadow=True)
        until(lambda: client.get("/v1/quality").json()["shadow"] is not None)
        beside = client.get("/v1/quality").json()["shadow"]
        assert beside["artifact"] == shadow
        assert beside["shadow"]["all"]["n"] == beside["served"]["all"]["n"] == count
        assert beside["shadow"]["all"]["rmse"] > beside["served"]["all"]["rmse"]
        assert beside["shadow"]["all"]["rmse"] == comparison.rmse
        client.post("/v1/users/8999/ratings", json={"movie": 1, "stars": 1})
        beside = client.get("/v1/quality").json()["shadow"]
        assert beside["shadow"]["all"]["n"] == beside["served"]["all"]["n"] == count + 1
        assert 'model="shadow",span="shared"' in client.get("/metrics").text
        assert serving(client) == first

        assert artifacts.promote(force=True) == shadow
        until(lambda: serving(client) == shadow)
        until(lambda: client.get("/v1/quality").json()["shadow"] is None)
        forced = read_comparison(artifacts.folder(shadow))
        assert forced is not None
        assert forced.forced
        better = artifacts.publish(trained / "bias")
        until(lambda: serving(client) == better)
        accepted = read_comparison(artifacts.folder(better))
        assert accepted is not None
        assert accepted.p is not None
        assert accepted.difference is not None
        assert accepted.difference < 0
        assert client.get("/v1/quality").json()["all"]["all"]["n"] == count + 1
    with Place(tmp_path).open() as client:
        assert client.get("/v1/quality").json()["all"]["all"]["n"] == count + 1


def test_without_a_shadow_none_is_promoted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no shadow to promote"):
        ArtifactStore(tmp_path).promote()


def test_the_command_line_publishes_one_thing(
    tmp_path: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An artifact, the shadow, or its end."""
    artifacts = ArtifactStore(tmp_path)
    for wrong in ({}, {"promote": True, "no_shadow": True}, {"shadow": True, "promote": True}):
        with pytest.raises(InputError, match="give one of an artifact"):
            publish(home=tmp_path, **wrong)  # type: ignore[arg-type]
    publish(trained / "mean", home=tmp_path, shadow=True)
    assert artifacts.shadow is not None
    assert artifacts.current is None
    shadow = artifacts.shadow
    capsys.readouterr()
    publish(home=tmp_path, no_shadow=True)
    publish(home=tmp_path, no_shadow=True)
    assert artifacts.shadow is None
    assert capsys.readouterr().out.splitlines() == [
        f"{shadow} is no shadow any more; the served model stays",
        f"{tmp_path}: there is no shadow; nothing was changed",
    ]
    publish(trained / "mean", home=tmp_path, shadow=True)
    name = artifacts.shadow
    publish(home=tmp_path, promote=True)
    assert (artifacts.current, artifacts.shadow) == (name, None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    opened.lock.take()
    yield opened
    opened.close()


def test_a_shadow_that_fails_ends_alone(
    store: Store, trained: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(writer, live) -> None:  # type: ignore[no-untyped-def]
        async def loaded(_: str):  # type: ignore[no-untyped-def]
            return load(trained / "mean", store.events_since())

        await live.shadow.follow("mean", loaded)
        groups = random_commits(0, 4)
        await asyncio.gather(*map(writer.write, groups[0]))
        monkeypatch.setattr(live.shadow.model, "observe", lambda _: 1 / 0)
        for group in groups[1:]:
            await asyncio.gather(*map(writer.write, group))
        assert live.shadow.model is None
        assert live.shadow.failed == "mean"
        await live.shadow.follow("mean", loaded)
        assert live.shadow.model is None

    live = within(store, trained / "bias", work)
    assert "shadow failed" in caplog.text
    total = live.scores().total
    assert total is not None
    assert total.n == len(store.events_since().ratings)


def test_a_shadow_gets_what_came_while_it_was_loaded(store: Store, trained: Path) -> None:
    async def work(writer, live) -> None:  # type: ignore[no-untyped-def]
        groups = random_commits(0, 3)
        await asyncio.gather(*map(writer.write, groups[0]))

        async def loaded(_: str):  # type: ignore[no-untyped-def]
            model = load(trained / "mean", store.events_since())
            await asyncio.gather(*map(writer.write, groups[1]))
            return model

        await live.shadow.follow("mean", loaded)
        await asyncio.gather(*map(writer.write, groups[2]))
        rows, own = live.shadow.model.recent.rows(), live.served.recent.rows()
        assert rows.seq.tolist() == own.seq.tolist()
        await live.shadow.follow(None, loaded)
        assert live.shadow.model is None

    within(store, trained / "bias", work)


def test_a_shadow_that_cannot_be_loaded_is_named(caplog: pytest.LogCaptureFixture) -> None:
    shadow = Shadow()

    async def fails(name: str):  # type: ignore[no-untyped-def]
        raise InputError(f"{name}: not there")

    asyncio.run(shadow.follow("gone", fails))
    assert shadow.failed == "gone"
    assert shadow.model is None
    assert "shadow failed" in caplog.text
