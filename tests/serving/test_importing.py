"""`ratecast import --into` and `ratecast export --from`: with a running service."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from ratecast.cli import main
from ratecast.serving.http.limits import Limits
from ratecast.serving.live.published import ArtifactStore
from tests.importing import catalogue
from tests.serving.place import TOKEN, Place

Say = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue.saved(tmp_path_factory.mktemp("artifact") / "half")


@pytest.fixture
def place(tmp_path: Path, model: Path) -> Place:
    home = tmp_path / "home"
    home.mkdir()
    ArtifactStore(home).publish(model)
    return Place(home)


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with place.open() as opened:
        yield opened


def facts(capsys: Say, client: httpx.Client, *words: object) -> dict[str, Any]:
    capsys.readouterr()
    known = ["import", *map(str, words), "--into", str(client.base_url), "--json"]
    assert main(known) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def rated(client: httpx.Client, user: object) -> dict[int, tuple[float, int]]:
    found = client.get(f"/v1/users/{user}/ratings").json()["ratings"]
    return {each["movie"]["id"]: (each["stars"], each["at"]) for each in found}


def test_a_second_import_changes_nothing_and_a_newer_one_only_adds(
    client: httpx.Client, tmp_path: Path, capsys: Say
) -> None:
    path = catalogue.person(tmp_path)
    first = facts(capsys, client, path)
    assert (first["new"], first["changed"], first["unchanged"]) == (20, 0, 0)
    user, stored = first["user"], rated(client, first["user"])
    assert set(stored) == set(range(1, 21))
    again = facts(capsys, client, path, "--user", user)
    assert (again["user"], again["new"], again["changed"], again["unchanged"]) == (user, 0, 0, 20)
    assert rated(client, user) == stored
    assert again["forecasts"] == first["forecasts"]
    (tmp_path / "newer.csv").write_text(
        catalogue.letterboxd(catalogue.FILMS[:24], catalogue.of_even), "utf-8"
    )
    newer = facts(capsys, client, tmp_path / "newer.csv", "--user", user)
    assert newer["new"] == 4
    assert newer["changed"] + newer["unchanged"] == 20
    assert set(rated(client, user)) == set(range(1, 25))


def test_ratings_of_two_people_are_not_mixed(
    client: httpx.Client, tmp_path: Path, capsys: Say
) -> None:
    """User 3 is of the training table; 7777 is new; an older file lacks what a newer one had."""
    path, older = catalogue.person(tmp_path), tmp_path / "older.csv"
    older.write_text(catalogue.letterboxd(catalogue.FILMS[:4], catalogue.of_even), "utf-8")
    words = ["import", str(path), "--into", str(client.base_url), "--user", "3"]
    assert main(words) == 2
    line = capsys.readouterr().err
    assert "user 3: has 23 ratings in the service, 23 of them not in these files" in line
    assert line.count("\n") == 1
    assert not rated(client, 3)
    assert facts(capsys, client, path, "--user", 3, "--add")["others"] == 23
    assert facts(capsys, client, path, "--user", 7777)["others"] == 0
    words = ["import", str(older), "--into", str(client.base_url), "--user", "7777"]
    assert main(words) == 2
    assert main([*words, "--add"]) == 0
    assert "there before; 16 that the files have not" in capsys.readouterr().out


def test_an_address_may_lack_http(client: httpx.Client, tmp_path: Path, capsys: Say) -> None:
    address = str(client.base_url).removeprefix("http://")
    assert main(["import", str(catalogue.person(tmp_path)), "--into", address]) == 0
    user = capsys.readouterr().out.partition("user ")[2].partition(":")[0]
    out = str(tmp_path / "letterboxd.csv")
    assert main(["export", "--user", user, "--from", address, "--out", out]) == 0


def test_the_forecasts_are_those_of_the_service_and_of_the_model(
    client: httpx.Client, model: Path, tmp_path: Path, capsys: Say
) -> None:
    path, out = catalogue.person(tmp_path), tmp_path / "all.jsonl"
    found = facts(capsys, client, path, "--n", 5, "--out", out)
    query = {"n": 5}
    shown = client.get(f"/v1/users/{found['user']}/recommendations", params=query).json()
    assert [each["stars"] for each in found["forecasts"]] == [
        each["stars"] for each in shown["forecasts"]
    ]
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(lines) == len(catalogue.FILMS) - 20
    assert lines[0]["movie"] == found["forecasts"][0]["movie"]
    # ALS looks at no time, so that the model alone forecasts the same.
    capsys.readouterr()
    assert main(["import", str(path), "--artifact", str(model), "--n", "5", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    for one, other in zip(alone["forecasts"], found["forecasts"], strict=True):
        assert one["movie"] == other["movie"]
        assert one["stars"] == pytest.approx(other["stars"])


def test_a_watchlist_is_ranked(
    client: httpx.Client, model: Path, tmp_path: Path, capsys: Say
) -> None:
    path = catalogue.person(tmp_path)
    (tmp_path / "watchlist.csv").write_text(catalogue.watchlist(catalogue.FILMS[18:26]), "utf-8")
    words = (path, "--watchlist", tmp_path / "watchlist.csv", "--n", 4)
    found = facts(capsys, client, *words)
    assert found["watchlist"]["forecasts"] == 6
    assert len(found["forecasts"]) == 4
    assert main(["import", *map(str, words), "--artifact", str(model), "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    # ALS looks at no time, so that the model alone forecasts the same.
    assert [each["movie"] for each in alone["forecasts"]] == [
        each["movie"] for each in found["forecasts"]
    ]


def test_more_than_a_thousand_entries_are_sent_in_parts(
    client: httpx.Client, tmp_path: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ratecast.exports.changes.MOST_ENTRIES", 7)
    found = facts(capsys, client, catalogue.person(tmp_path))
    assert found["new"] == len(rated(client, found["user"])) == 20


def test_an_export_of_the_service(client: httpx.Client, tmp_path: Path, capsys: Say) -> None:
    user = facts(capsys, client, catalogue.person(tmp_path))["user"]
    out = tmp_path / "letterboxd.csv"
    words = ["--from", str(client.base_url), "--out", str(out), "--no-time"]
    assert main(["export", "--user", str(user), *words]) == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    stars = {name: stored[0] for name, stored in rated(client, user).items()}
    titles = {name: movie for movie, (name, _) in enumerate(catalogue.FILMS[:20], 1)}
    assert {titles[row["Title"]]: float(row["Rating"]) for row in rows} == stars
    assert {int(row["Year"]) for row in rows} == {year for _, year in catalogue.FILMS[:20]}
    assert main(["export", "--user", "7777", *words]) == 2
    assert "user '7777' has no ratings" in capsys.readouterr().err
    assert main(["export", "--user", str(user), *words, "--scale", "1:10"]) == 2
    assert "--scale is for a table; remove it, or give --data" in capsys.readouterr().err


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service whose users have ids that are text."""
    home = tmp_path_factory.mktemp("named")
    catalogue.model(catalogue.HALF, users="u").save(home / "artifact")
    ArtifactStore(home).publish(home / "artifact")
    with Place(home).open() as opened:
        yield opened


@pytest.mark.parametrize(
    "user", [".", "..", "-", "a/b", "/", "%2F", "https://example.org/?q=1#top", "a b", "é", "7"]
)
def test_any_user_imports_and_exports(
    named: httpx.Client, user: str, tmp_path: Path, capsys: Say
) -> None:
    path, out = catalogue.person(tmp_path), tmp_path / "all.csv"
    words = ("--user", user, "--out", out)
    first = facts(capsys, named, path, *words)
    assert (first["user"], first["new"]) == (user, 20)
    again = facts(capsys, named, path, *words)
    assert (again["user"], again["new"], again["unchanged"]) == (user, 0, 20)
    kept = named.get("/v1/users/-/ratings", params={"user_id": user}).json()["ratings"]
    assert len(kept) == 20
    letterboxd = tmp_path / "letterboxd.csv"
    source = ["--from", str(named.base_url), "--out", str(letterboxd)]
    assert main(["export", "--user", user, *source]) == 0
    assert len(letterboxd.read_text("utf-8").splitlines()) == 21


def test_a_number_that_stands_for_a_title_is_no_title(tmp_path: Path, capsys: Say) -> None:
    """The service calls movie 12 without a title "12"; a film of that name is another."""
    films = catalogue.movies()
    titles = films.with_columns(title=pl.when(pl.col("movie") != 12).then("title"))
    home = tmp_path / "home"
    home.mkdir()
    ArtifactStore(home).publish(catalogue.saved(tmp_path / "gaps", titles=titles))
    path = tmp_path / "r.csv"
    path.write_text(catalogue.letterboxd([*catalogue.FILMS[:3], ("12", 2007)], lambda _: 4))
    with Place(home).open() as client:
        found = facts(capsys, client, path)
        assert found["matched"] == 3
        assert found["unmatched_titles"] == [{"title": "12", "year": 2007}]


def test_tokens_and_limits(place: Place, tmp_path: Path, capsys: Say) -> None:
    place.token, place.limits = TOKEN, Limits(rate=5)
    path = catalogue.person(tmp_path)
    with place.open() as client:
        words = ["import", str(path), "--into", str(client.base_url)]
        assert main(words) == 2
        assert "give the token of the service or of the user" in capsys.readouterr().err
        found = facts(capsys, client, path, "--token", TOKEN)
        again = facts(capsys, client, path, "--token", found["token"], "--user", found["user"])
        assert again["unchanged"] == 20
        other = found["user"] + 1
        assert main([*words, "--token", found["token"], "--user", str(other)]) == 2
        assert "this token does not allow it" in capsys.readouterr().err


def test_a_service_whose_movies_have_no_titles(tmp_path: Path, capsys: Say) -> None:
    bare = catalogue.saved(tmp_path / "bare", titles=catalogue.movies().select("movie"))
    home = tmp_path / "home"
    home.mkdir()
    ArtifactStore(home).publish(bare)
    with Place(home).open() as client:
        words = ["import", str(catalogue.person(tmp_path)), "--into", str(client.base_url)]
        assert main(words) == 2
        assert "its movies have no titles" in capsys.readouterr().err
        assert main([*words, "--user", "ann"]) == 2


def test_addresses_of_no_service(client: httpx.Client, tmp_path: Path, capsys: Say) -> None:
    path = str(catalogue.person(tmp_path))
    words = ["import", path, "--into", str(client.base_url)]
    for more, message in (
        (["--token", "secr\u00e9t"], "token: has letters or lines that no token has"),
        (["--token", "secret\nsecret"], "token: has letters or lines that no token has"),
        (["--user", "\udcff"], "user: the id is not in UTF-8"),
    ):
        assert main([*words, *more]) == 2
        err = capsys.readouterr().err
        assert message in err
        assert "secr" not in err
    for url, message in (
        ("nonsense", "nonsense: no service there"),
        ("http://127.0.0.1:1", "no service there"),
        (f"{client.base_url}/docs", "it is no service of this ratecast"),
    ):
        assert main(["import", path, "--into", url]) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1
