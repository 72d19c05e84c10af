"""A service of a table without times: trained, served, rated, trained again as it was."""

from pathlib import Path

import httpx
import polars as pl
import pytest

from ratecast.cli import main
from ratecast.models import load_model
from ratecast.ratings import MOVIE, USER
from ratecast.serving.live.published import ArtifactStore
from ratecast.training.saved_experiment import saved_experiment
from tests.planted import planted
from tests.serving.place import Place, process, wait

Say = pytest.CaptureFixture[str]
COLUMNS = "--columns=user=who,movie=dish,rating=points"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Beside a table without times, under names of its own."""
    monkeypatch.chdir(tmp_path)
    once = planted().frame.unique([USER, MOVIE], keep="first", maintain_order=True)
    once.select(who=USER, dish=MOVIE, points="rating").write_csv("timeless.csv")
    Path("home").mkdir()
    return Path("home").absolute()


def forecast(client: httpx.Client, user: int = 500) -> tuple[float, int, str]:
    found = client.get(f"/v1/predict?user={user}&movie=3").json()["forecasts"][0]
    return found["stars"], found["history_length"], found["basis"]


def refit(home: Path, *words: str) -> int:
    return main(["refit", f"--home={home}", *words])


@pytest.mark.parametrize("model", ["als", "state_space"])
def test_it_serves_and_learns_what_was_rated(model: str, home: Path, capsys: Say) -> None:
    small = ["--model.factors=2"] if model == "als" else ["--model.iterations=2"]
    words = [model, "--data=timeless.csv", COLUMNS, "--all", "--out=runs", *small]
    assert main(["train", *words]) == 0
    assert main(["publish", f"runs/{model}/version_0/artifact", f"--home={home}"]) == 0
    artifacts, place = ArtifactStore(home), Place(home)
    expected_times = {True} if model == "state_space" else set()  # It alone stores its ratings.
    with place.open() as client:
        first, new = artifacts.current, forecast(client)
        assert new[1:] == (0, "new user")
        for movie in (7, 8, 9):
            rating = {"movie": movie, "stars": 1}
            assert client.post("/v1/users/500/ratings", json=rating).status_code == 201
        assert client.post("/v1/users/1/ratings", json={"movie": 7, "stars": 2}).status_code == 201
        rated = forecast(client)
        assert rated[0] < new[0]
        assert rated[1:] == (3, "user and movie known")
        assert len(client.get("/v1/users/500/export").json()["ratings"]) == 3
        assert client.get("/v1/users/500/recommendations?n=3").is_success
        reasons = client.get("/v1/users/1/explanations/3").json().get("reasons", [])
        assert {reason["at"] is None for reason in reasons} == expected_times
        before = client.get("/v1/predict?user=1&movie=3").json()["forecasts"]
    with place.open() as client:  # The ratings of the store are replayed.
        assert client.get("/v1/predict?user=1&movie=3").json()["forecasts"] == before
        capsys.readouterr()
        # A model that learned what has changed since goes when another one serves.
        one = saved_experiment(artifacts.folder(str(first)))
        assert refit(home) == 0  # The table, its options and the model are those of the first.
        assert "4 of them from the store, all without times" in capsys.readouterr().err
        while client.get("/v1/model").json()["artifact"] == first:
            assert not artifacts.verdicts().get(str(artifacts.current), "").startswith("refused")
        assert forecast(client)[1:] == (3, "user and movie known")
    again = artifacts.folder(str(artifacts.current))
    other = saved_experiment(again)
    assert one is not None
    assert other is not None
    assert (one.data, one.table, one.model) == (other.data, other.table, other.model)
    table = pl.read_csv("timeless.csv")
    had = table.filter((pl.col("who") == 1) & (pl.col("dish") == 7)).height
    assert load_model(again).counts.of_users[1:].sum() == len(table) + 4 - had


def test_a_fresh_machine_trains_on_it_first(home: Path) -> None:
    words = ["--model=bias", f"--data={home.parent / 'timeless.csv'}", COLUMNS]
    with process(home, *words) as (_, client):
        wait(client)
        assert client.get("/v1/model").json()["model"] == "bias"
        rating = {"movie": 7, "stars": 1}
        assert client.post("/v1/users/500/ratings", json=rating).status_code == 201
        assert forecast(client)[1:] == (1, "user and movie known")


def test_refit_says_what_it_lacks(home: Path, capsys: Say) -> None:
    assert refit(home, "--model=bias", "--data=timeless.csv") == 2
    assert "no column for user" in capsys.readouterr().err
    assert refit(home, "--model=bias", "--data=timeless.csv", COLUMNS) == 0
    assert refit(home, "--data=./timeless.csv") == 0
    Path("timeless.csv").unlink()
    capsys.readouterr()
    assert refit(home) == 2
    err = capsys.readouterr().err
    assert "which is not there; give --data" in err
    assert err.count("\n") == 1
