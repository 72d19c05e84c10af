"""What is learned anew is the table, without what was taken back, and the store."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.models import load_model
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, checked
from ratecast.serving.live.published import SERVING, ArtifactStore
from ratecast.serving.live.served_model import learned
from ratecast.serving.live.training_table import training_table
from ratecast.serving.store.database import RatingEvent, RemovalEvent, Store, StoredEvents
from ratecast.serving.store.deleted_users import DeletedUsers, digest_of_user
from tests.planted import planted
from tests.serving.place import Place


def table(text: bool = False) -> Ratings:
    frame = pl.DataFrame(
        {USER: [1, 1, 2, 3], MOVIE: [10, 11, 10, 11], RATING: [1.0, 2, 3, 4], AT: [1, 2, 3, 4]}
    )
    people = pl.DataFrame({USER: [1, 2, 3], "age": [20, 30, 40]})
    if text:
        frame = frame.with_columns(pl.col(USER).cast(pl.String))
        people = people.with_columns(pl.col(USER).cast(pl.String))
    return checked(Ratings(frame, users=people))


def deleted(user: str) -> DeletedUsers:
    return DeletedUsers("key", {digest_of_user("key", user): 5})


@pytest.mark.parametrize("text", [False, True])
def test_table_and_store_are_gathered(text: bool) -> None:
    given = [RatingEvent("1", "10", 5.0, 9, 1, 1), RatingEvent("4", "11", 2.0, 8, 2, 4)]
    removed = [RemovalEvent("1", "10", 2), RemovalEvent("1", "11", 3)]
    found = training_table(table(text), StoredEvents(given, removed, 5, deleted("3")))
    rows = [(int(u), m, r, at) for u, m, r, at in found.frame.iter_rows()]
    assert rows == [(2, 10, 3.0, 3), (4, 11, 2.0, 8), (1, 10, 5.0, 9)]
    assert sorted(found.users["age"]) == [20, 30]


def test_ids_of_another_kind_are_refused() -> None:
    with pytest.raises(InputError, match="not all Int64"):
        training_table(table(), StoredEvents([RatingEvent("ann", "10", 5.0, 9, 1, 1)], [], 1))


def test_a_table_without_times_stays_one() -> None:
    untimed = replace(table(), frame=table().frame.drop(AT))
    given = [RatingEvent("1", "10", 5.0, 9, 1, 1), RatingEvent("4", "11", 2.0, 8, 2, 4)]
    removed = [RemovalEvent("1", "11", 3)]
    found = training_table(untimed, StoredEvents(given, removed, 5, deleted("3")))
    assert not found.timed
    assert found.frame.rows() == [(2, 10, 3.0), (1, 10, 5.0), (4, 11, 2.0)]
    assert sorted(found.users["age"]) == [20, 30]


def planted_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ratings.csv in the folder, which is the working one; each pair once."""
    monkeypatch.chdir(folder)
    once = planted().frame.unique([USER, MOVIE], keep="first", maintain_order=True)
    once.write_csv("ratings.csv")


def test_refit_learns_what_the_store_knows_and_the_service_takes_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_file(tmp_path, monkeypatch)
    words = ["--model=bias", "--data=ratings.csv", f"--home={tmp_path / 'home'}"]
    assert main(["refit", *words]) == 0
    artifacts, place = ArtifactStore(tmp_path / "home"), Place(tmp_path / "home")
    with place.open() as client:
        first = client.get("/v1/model").json()["artifact"]
        rating = {"movie": 7, "stars": 2}
        assert client.post("/v1/users/500/ratings", json=rating).status_code == 201
        assert main(["refit", *words]) == 0
        assert artifacts.current is not None
        while client.get("/v1/model").json()["artifact"] == first:
            assert not artifacts.verdicts().get(artifacts.current, "").startswith("refused")
        assert learned(artifacts.folder(artifacts.current)) == 1
        answer = client.get("/v1/predict?user=500&movie=3").json()["forecasts"][0]
        assert (answer["history_length"], answer["basis"]) == (1, "user and movie known")
        assert client.delete("/v1/users/500").status_code == 204
        answer = client.get("/v1/predict?user=500&movie=3").json()["forecasts"][0]
        assert (answer["history_length"], answer["basis"]) == (0, "new user")
    store = Store(place.url)
    store.lock.take()
    assert store.events_since().deleted.among(["1", "500"]) == ["500"]
    store.close()


def test_a_refit_is_of_the_model_in_service_where_the_published_one_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted_file(tmp_path, monkeypatch)
    artifacts = ArtifactStore(tmp_path / "home")

    def refitted(*words: str) -> str:
        assert main(["refit", f"--home={artifacts.home}", *words]) == 0
        assert artifacts.current is not None
        return artifacts.current

    first = refitted("--model=bias", "--data=ratings.csv")
    assert artifacts.not_refused == first
    artifacts.record_verdict(first, SERVING)
    second = refitted("--model=mean")
    assert artifacts.not_refused == second, "no service has seen it yet"
    artifacts.record_verdict(second, "refused: worse on recent ratings")
    assert artifacts.not_refused == first
    assert load_model(artifacts.folder(refitted())).name == "bias"


def test_a_folder_that_is_not_there_is_said_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["refit", "--home", str(tmp_path / "missing")]) == 2
    assert "missing: no folder of a service; ratecast serve --home" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["serve", "refit --model bias", "publish artifacts/als"])
def test_a_home_that_is_a_file_is_said(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert main([*words.split(), "--home", str(file)]) == 2
    line = f"ratecast: {file}: is a file; give the folder of a service as --home\n"
    assert capsys.readouterr().err == line
