"""Deleted means deleted: after the next refit, no byte under the folder tells of it."""

import json
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import polars as pl
import pytest

from ratecast.cli import main
from ratecast.data.example import example_ratings
from ratecast.ratings import MOVIE, RATING, USER, Scale
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.live.visitors import forget_deleted
from ratecast.serving.store.database import RatingEvent, RemovalEvent, Store
from tests.serving.place import Place

NAME = "somebody-who-is-sought-{}-5f2b7c"
KNOWN, OTHER = NAME.format(3), NAME.format(4)
# Values that no other rating has, so that a search for their bytes means something.
OLD, REMOVED, FORGOTTEN = 1.2345678, -2.3456789, 3.4567891
SOON_SECONDS = 30.0


def everything(home: Path) -> bytes:
    """Every byte of every file, and the cells of the tables, which are compressed."""
    found = []
    for file in home.rglob("*"):
        # A model may be removed meanwhile.
        with suppress(FileNotFoundError):
            if file.is_file():
                found.append(file.read_bytes())
                if file.suffix == ".parquet":
                    found.append(pl.read_parquet(file).write_json().encode())
    return b"\n".join(found)


def forms(stars: float) -> list[bytes]:
    """A rating as SQLite and as arrays have it, and as text."""
    return [
        *(struct.pack(form, stars) for form in (">d", "<d", "<f")),
        struct.pack("<d", struct.unpack("<f", struct.pack("<f", stars))[0]),
        str(stars).encode(),
    ]


def until(met: Callable[[], bool]) -> None:
    start = time.monotonic()
    while not met():
        assert time.monotonic() - start < SOON_SECONDS
        time.sleep(0.05)


def visitor(home: Path, user: object, since: int | None) -> Path:
    """A file as the page keeps it for each browser."""
    (home / "visitors").mkdir(exist_ok=True)
    file = home / "visitors" / f"storage-user-{len(list((home / 'visitors').iterdir()))}.json"
    file.write_text(json.dumps({"user": user, "since": since}))
    return file


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of a refit on a table of continuous ratings, of users whose ids are text."""
    monkeypatch.chdir(tmp_path)
    table = example_ratings(40, 20, 500, scale=Scale(-10, 10, None)).frame
    table = table.unique([USER, MOVIE], keep="first", maintain_order=True)
    table.with_columns(
        pl.Series(USER, [NAME.format(user) for user in table[USER]]), pl.col(RATING).round(1)
    ).write_csv("ratings.csv")
    options = ["--data=ratings.csv", "--scale=-10:10:continuous"]
    return ["refit", *options, f"--home={tmp_path / 'home'}"]


def refit(client: httpx.Client, words: list[str], artifacts: ArtifactStore) -> None:
    """Train, and wait until the new model serves."""
    assert main(words) == 0
    until(lambda: client.get("/v1/model").json()["artifact"] == artifacts.current)


@pytest.mark.parametrize("model", ["bias", "state_space"])
def test_no_byte_is_left_after_the_next_refit(tmp_path: Path, words: list[str], model: str) -> None:
    home, words = tmp_path / "home", [*words, f"--model={model}"]
    assert main(words) == 0
    place, artifacts = Place(home), ArtifactStore(home)
    with place.open() as client:
        ours = client.post("/v1/users").json()["user"]
        since = client.get(f"/v1/users/{ours}/export").json()["registered"]
        files = [visitor(home, ours, since), visitor(home, KNOWN, None), visitor(home, OTHER, None)]
        for user, stars in ((ours, FORGOTTEN), (KNOWN, FORGOTTEN), (OTHER, OLD)):
            body = {"movie": 7, "stars": stars}
            assert client.post(f"/v1/users/{user}/ratings", json=body).is_success
        path = f"/v1/users/{OTHER}/ratings"
        assert client.post(path, json={"movie": 8, "stars": REMOVED}).is_success
        # A model that learned from all of it, so that there is something to lose.
        refit(client, words, artifacts)
        before = everything(home)
        assert all(user.encode() in before for user in (ours, KNOWN, OTHER))
        for stars in (OLD, REMOVED, FORGOTTEN):
            assert sum(form in before for form in forms(stars)) >= 2

        assert client.put(f"{path}/7", json={"stars": 5.0}).is_success
        assert client.delete(f"{path}/8").status_code == 204
        for user in (ours, KNOWN):
            assert client.delete(f"/v1/users/{user}").status_code == 204
        until(lambda: [file.exists() for file in files] == [False, False, True])
        until(lambda: (home / "ratings.db-wal").stat().st_size == 0)
        refit(client, words, artifacts)
        until(lambda: len(list((home / "models").iterdir())) == 1)
        until(lambda: KNOWN.encode() not in (home / "ratings.db").read_bytes())
        after = everything(home)
        for sought in (ours, KNOWN):
            assert sought.encode() not in after, sought
        for stars in (OLD, REMOVED, FORGOTTEN):
            assert not [form for form in forms(stars) if form in after], stars
        assert OTHER.encode() in after
        assert not (home / "training").exists()
        assert [rating["stars"] for rating in client.get(path).json()["ratings"]][:1] == [5.0]
        # The next refit does not bring them back, although the table has them.
        refit(client, words, artifacts)
        assert KNOWN.encode() not in everything(home)
    with place.open() as client:
        forecasts = [
            client.get("/v1/predict", params={"user": user, "movie": 9}).json()["forecasts"][0]
            for user in (KNOWN, "unknown to all")
        ]
        assert forecasts[0] == forecasts[1]
        assert forecasts[0]["basis"] == "new user"


def test_visitors_lose_a_user_who_is_gone(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    store.lock.take()
    events = [RatingEvent(user, "1", 3.0, 5, 1, k) for k, user in enumerate("abc", 1)]
    store.write(list(events), [("a", 10), ("b", 11)])
    store.write([RemovalEvent("b", None, 4), RemovalEvent("c", None, 5)], [])
    # "b" came back as another one, registered later.
    store.write([], [("b", 20)])
    files = [
        visitor(tmp_path, user, since)
        for user, since in (("a", 10), ("b", 11), ("b", 20), ("c", None), ("d", None), (7, 30))
    ]
    torn = tmp_path / "visitors" / "storage-user-torn.json"
    torn.write_text("{")
    forget_deleted(tmp_path / "visitors", store)
    assert [file.exists() for file in files] == [True, False, True, False, True, False]
    assert torn.exists()
    forget_deleted(tmp_path / "nowhere", store)
    store.close()
