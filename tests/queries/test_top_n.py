"""The best movies for a user: those of a plain loop over `predict`, whatever the path to them."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.modelling.factors.bilinear_state import HasBilinearForm
from ratecast.modelling.factors.pair_scores import expected_stars
from ratecast.models import load_model
from ratecast.queries.top_n import Recommender, highest, top_n
from ratecast.queries.top_n_kernel import Excluded, Top, merge_scores, rescore
from ratecast.ratings import Ratings, Requests
from ratecast.training import make_model
from tests.models.state_space.camps import camps
from tests.models.state_space.camps import model as remembering
from tests.planted import planted, with_sides

QUICK: dict[str, Any] = {"trainer": {"epochs": 2, "batch_size": 256}}
FACTORS = ("mf", "mf_bias", "als")


def table() -> Ratings:
    return planted(users=50, movies=90)


@pytest.fixture(scope="module", params=[*FACTORS, "bias", "state_space"])
def fitted(request: pytest.FixtureRequest) -> Model:
    settings = QUICK if request.param in ("mf", "mf_bias") else {}
    return make_model(request.param, **settings).fit(table())


def plainly(model: Model, user: int, count: int, rated: Ratings) -> list[int]:
    movies = sorted(model.movies.table["movie"].to_list())
    asked = Requests.of([user] * len(movies), movies)
    mean = model.predict_rows(model.encode(asked)).mean
    own = set(rated.frame.filter(pl.col("user") == user)["movie"].to_list())
    left = [k for k, movie in enumerate(movies) if movie not in own]
    return [movies[k] for k in sorted(left, key=lambda k: (-mean[k], movies[k]))[:count]]


def test_which_models_have_the_fast_path(fitted: Model) -> None:
    assert isinstance(fitted, HasBilinearForm) == (fitted.name in FACTORS)


def test_the_best_are_those_of_predict(fitted: Model) -> None:
    users = fitted.users.table["user"].append(pl.Series([12345]))
    top = Recommender(fitted, table()).top(users, 7)
    for user in users.to_list():
        lines = top.filter(pl.col("user") == user)
        assert lines["movie"].to_list() == plainly(fitted, user, 7, table())
        assert lines["rank"].to_list() == list(range(1, 8))
    requests = Requests(top.select("user", "movie"))
    np.testing.assert_allclose(top["stars"], fitted.predict(requests).stars, atol=1e-12)


def test_candidates_are_ranked_as_among_all(fitted: Model) -> None:
    candidates = pl.Series("movie", [80, 3, 17, 18, 19, 40])
    everything = Recommender(fitted, table()).top(fitted.users.table["user"], 90)
    expected = everything.filter(pl.col("movie").is_in(candidates.implode()))
    for count in (2, 6, 50):
        top = Recommender(fitted, table(), candidates).top(fitted.users.table["user"], count)
        for user in fitted.users.table["user"].to_list():
            best = expected.filter(pl.col("user") == user)["movie"][:count].to_list()
            assert top.filter(pl.col("user") == user)["movie"].to_list() == best
    found = top_n(fitted, 7, 4, table(), movies=candidates.to_list())
    assert found.equals(Recommender(fitted, table(), candidates).top(pl.Series([7]), 4))
    assert top_n(fitted, 7, 4, table(), movies=[]).is_empty()
    with pytest.raises(InputError, match="movie 999: not known to this model"):
        top_n(fitted, 7, movies=[3, 999])


def test_expected_stars_are_those_of_predict(fitted: Model) -> None:
    requests = table().requests()
    found = expected_stars(fitted, requests)
    np.testing.assert_allclose(found, fitted.predict(requests).stars, atol=1e-5)


def test_what_single_precision_cannot_tell_apart_is_ranked_again() -> None:
    """All movies but one are alike: the ids decide, far beyond the few that are kept."""
    model = make_model("als").fit(table())
    weights = model.state.sides.movies.weights  # type: ignore[attr-defined]
    weights[1:] = weights[1]
    weights[1:, 0] += np.random.default_rng(0).permutation(len(weights) - 1) * 1e-9
    top = Recommender(model, table()).top(model.users.table["user"], 5)
    for user in model.users.table["user"].to_list():
        lines = top.filter(pl.col("user") == user)
        assert lines["movie"].to_list() == plainly(model, user, 5, table())


def test_a_model_with_a_history_leaves_out_what_was_rated() -> None:
    model = make_model("state_space").fit(table())
    user = table().frame["user"][0]
    own = table().frame.filter(pl.col("user") == user)["movie"]
    top = Recommender(model).top(pl.Series([user]), 90)
    assert len(top) == 90 - own.n_unique()
    assert not top["movie"].is_in(own.implode()).any()
    assert len(Recommender(model, table().take(slice(0, 0))).top(pl.Series([user]), 99)) == 90


def test_what_a_user_rated_is_left_out_where_the_model_does_not_know_the_user(
    fitted: Model,
) -> None:
    """A table has later ratings than the model: of new users, and of new movies."""
    everything = Recommender(fitted, Requests.of([], [])).top(pl.Series([777, 778]), 90)
    best = everything.filter(user=777)["movie"]
    rated = Requests.of([777, 777, 778], [best[0], 4321, best[3]])
    top = Recommender(fitted, rated).top(pl.Series([777, 778]), 90)
    assert top.filter(user=777)["movie"].to_list() == best[1:].to_list()
    assert top.filter(user=778)["movie"].to_list() == best.filter(best != best[3]).to_list()


@pytest.mark.parametrize("name", ["cold_start", "factorization_machine", "state_space"])
def test_movies_known_by_side_information_are_candidates(name: str, tmp_path: Path) -> None:
    train = with_sides(planted(users=20))
    rated = train.take(train.frame["movie"] <= 35)
    settings = {"chains": 1, "iterations": 30} if name == "factorization_machine" else {}
    make_model(name, **settings).fit(rated).save(tmp_path / "m")
    model = load_model(tmp_path / "m")
    unrated = set(range(36, 41))
    assert unrated.isdisjoint(model.movies.table["movie"])
    user, none = 1, Requests.of([], [])
    top = top_n(model, user, 40, none)
    assert set(top["movie"]) == set(range(1, 41))
    movies: list[int | str] = list(range(1, 41))
    mean = model.predict_rows(model.encode(Requests.of([user] * 40, movies))).mean
    assert top["movie"].to_list() == [movies[k] for k in np.argsort(-mean, kind="stable")]
    # A later rating of one leaves it out, and others may be chosen alone.
    later = top_n(model, user, 40, Requests.of([user, 2], [37, 38]))
    assert set(top["movie"]) - set(later["movie"]) == {37}
    assert set(top_n(model, user, 40, none, movies=[36, 3, 36])["movie"]) == {36, 3}
    with pytest.raises(InputError, match="movie 41: not known"):
        top_n(model, user, movies=[36, 41])


def test_a_model_that_uses_no_side_information_ranks_rated_movies() -> None:
    train = with_sides(planted(users=20))
    model = make_model("als").fit(train.take(train.frame["movie"] <= 35))
    assert set(top_n(model, 1, 40)["movie"]) == set(range(1, 36))


def test_the_function_takes_ids_in_a_list() -> None:
    model = make_model("als").fit(table())
    users = model.users.table["user"]
    given = top_n(model, users.to_list(), 3, table())
    assert given.equals(Recommender(model, table()).top(users, 3))


def test_ids_of_words_are_ranked_too() -> None:
    frame = table().frame.with_columns(pl.format("m{}", "movie").alias("movie"))
    named = Ratings(frame, pl.DataFrame(schema={"movie": pl.String}), scale=table().scale)
    model = make_model("als").fit(named)
    top = Recommender(model, named).top(model.users.table["user"], 3)
    assert top.schema["movie"] == pl.String
    assert len(top) == 3 * 50


def test_ties_stand_in_order_of_their_places() -> None:
    scores, allowed = np.array([1.0, 3, 3, 2, 3]), np.array([True, True, False, True, True])
    assert highest(scores, allowed, 2).tolist() == [1, 4]
    assert highest(scores, allowed, 9).tolist() == [1, 4, 3, 0]
    assert highest(scores, allowed, 0).tolist() == []


def test_kernels_give_what_sorting_would() -> None:
    random = np.random.default_rng(3)
    scores = random.integers(0, 40, (6, 300)).astype(np.float32)
    barred = [np.sort(random.choice(300, 20, replace=False)).astype(np.int32) for _ in range(6)]
    excluded = Excluded(np.arange(0, 121, 20), np.concatenate(barred))
    top = Top(np.full((6, 12), -np.inf, np.float32), np.full((6, 12), -1, np.int64))
    for start in (0, 128, 256):
        merge_scores(scores[:, start : start + 128].copy(), start, excluded, top)
    weights = scores[:, :1].astype(float), random.integers(0, 5, (300, 1)).astype(float)
    again = Top(np.empty((6, 5)), np.empty((6, 5), np.int64))
    rescore(np.arange(6), top.places, weights, again)
    for user in range(6):
        left = np.setdiff1d(np.arange(300), barred[user])
        wanted = left[np.argsort(-scores[user, left], kind="stable")[:12]]
        assert top.places[user].tolist() == wanted.tolist()
        ordered = np.sort(wanted)[np.argsort(-weights[1][np.sort(wanted), 0], kind="stable")[:5]]
        assert again.places[user].tolist() == ordered.tolist()


@pytest.fixture
def artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    make_model("als").fit(table()).save(Path("als"))
    table().frame.write_csv("ratings.csv")
    return "als"


def test_the_verb_writes_the_table_for_the_users_asked(artifact: str) -> None:
    Path("who.txt").write_text("7\n\n999\n", "utf-8")
    words = ["--artifact", artifact, "--out", "out/top.parquet", "--users", "who.txt"]
    assert main(["recommend", *words, "--n", "4", "--data", "ratings.csv"]) == 0
    top = pl.read_parquet("out/top.parquet")
    assert top.columns == ["user", "movie", "rank", "stars"]
    assert top["user"].to_list() == [7] * 4 + [999] * 4
    assert [path.name for path in Path("out").iterdir()] == ["top.parquet"]


def test_the_verb_names_rated_movies_where_it_is_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = camps()
    remembering().fit(told).save(Path("state_space"))
    Path("who.txt").write_text("7\n", "utf-8")
    words = ["recommend", "--artifact", "state_space", "--users", "who.txt", "--n", "60"]
    own = set(told.frame.filter(pl.col("user") == 7)["movie"].to_list())
    for flag, named in (([], False), (["--rated"], True)):
        assert main([*words, "--out", "top.parquet", *flag]) == 0
        found = set(pl.read_parquet("top.parquet")["movie"].to_list())
        assert bool(own & found) is named


def test_the_verb_ranks_candidates_for_some_users_in_any_form(
    artifact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("who.csv").write_text("n;user\n1;7\n2;9\n3;7\n", "utf-8")
    pl.DataFrame({"movieId": [3, 5, 777, 8]}).write_parquet("what.parquet")
    words = ["recommend", "--artifact", artifact, "--rated", "--items", "what.parquet", "--n", "2"]
    assert main([*words, "--out", "top.csv", "--users", "who.csv"]) == 0
    err = capsys.readouterr().err
    assert "who.csv: 1 repeated ids left out" in err
    assert "1 of 4 movies are not known to the model, 777 first; they are left out" in err
    top = pl.read_csv("top.csv")
    assert top["user"].to_list() == [7, 7, 9, 9]
    assert set(top["movie"].to_list()) <= {3, 5, 8}
    for out, read in (("top.jsonl", pl.read_ndjson), ("top.parquet", pl.read_parquet)):
        assert main([*words, "--out", out, "--users", "who.csv"]) == 0
        assert read(out)["movie"].to_list() == top["movie"].to_list()
    capsys.readouterr()
    assert main([*words, "--out", "-", "--user", "7"]) == 0
    printed = capsys.readouterr().out
    assert pl.read_csv(printed.encode()).equals(top.filter(pl.col("user") == 7))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rated", "--user", "7", "--users", "words.txt"], "either --user ID or --users FILE"),
        (["--rated", "--items", "unknown.txt"], "knows none of these movies"),
        (["--rated", "--out", "top.xlsx"], "end the name in .parquet, .csv"),
        (["--rated", "--out", "-", "--json"], "add --out FILE"),
        ([], "stores no ratings"),
        (["--rated", "--n", "0"], "0 movies for each user"),
        (["--rated", "--users", "none.txt"], "cannot be read"),
        (["--rated", "--users", "empty.txt"], "no user id"),
        (["--rated", "--users", "words.txt"], "whole numbers"),
    ],
)
def test_bad_input_is_one_line_and_leaves_the_old_table(
    words: list[str], said: str, artifact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.txt").write_text("\n", "utf-8")
    Path("words.txt").write_text("anna\n", "utf-8")
    Path("unknown.txt").write_text("777\n", "utf-8")
    Path("top.parquet").write_text("old", "utf-8")
    assert main(["recommend", "--artifact", artifact, "--out", "top.parquet", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert Path("top.parquet").read_text("utf-8") == "old"


def test_one_movie_or_more_is_asked_for() -> None:
    model = make_model("bias").fit(table())
    with pytest.raises(InputError, match="give 1 or more"):
        Recommender(model).top(pl.Series([1]), 0)
