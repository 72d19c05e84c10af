import copy
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from ratecast.errors import InputError
from ratecast.modelling.factors.bilinear import leave_own_out
from ratecast.models import load_model
from ratecast.models.als.model import ALS
from ratecast.models.attention.fused import Inputs, fused
from ratecast.models.attention.model import Attention
from ratecast.models.attention.net import AttentionNet, dense
from ratecast.models.attention.net_sequences import (
    UserSequences,
    first_of_tie,
    user_sequences,
    windows_of,
)
from ratecast.ratings import Requests, checked
from ratecast.splits import chronological
from ratecast.training import make_model
from tests.planted import planted, tastes

TRAINER = {"epochs": 8, "batch_size": 512, "learning_rate": 0.02}
SMALL: dict[str, Any] = {"factors": 2, "trainer": TRAINER}


def attention(**settings: Any) -> Attention:
    model = make_model("attention", **(SMALL | settings))
    assert isinstance(model, Attention)
    return model


def some(length: int = 3) -> UserSequences:
    users = np.array([1, 1, 1, 2, 1, 2, 1], np.int32)
    at, seen = np.array([5, 3, 5, 1, 4, 2, 9]), np.arange(14.0).reshape(7, 2)
    return user_sequences(users, np.arange(7, dtype=np.float32), at, seen, length)


def test_histories_are_ordered_and_know_what_came_before_the_moment() -> None:
    found = some()
    assert found.stars.tolist() == [1, 4, 0, 2, 6, 3, 5]
    assert found.earlier.tolist() == [0, 1, 2, 2, 4, 5, 6]
    assert found.windows.tolist() == [[0, 0, 3], [0, 3, 5], [5, 5, 7]]


def test_batches_ask_every_row_once() -> None:
    found = some()
    for order in (None, torch.Generator().manual_seed(0)):
        batches = list(found.batches(5, order))
        assert len(batches) == found.steps(5)
        given = torch.cat([batch[-1] for batch in batches])
        assert sorted(given.tolist()) == list(range(7))
        assert all(torch.equal(stars[asked], last) for _, stars, _, asked, last in batches)


def test_only_later_rows_are_asked_of_a_history_that_goes_on() -> None:
    late = some().targets_from(5)
    assert len(late) == 2
    assert sorted(torch.cat([batch[-1] for batch in late.batches(99, None)]).tolist()) == [5, 6]


def test_windows_look_back_no_further_than_length() -> None:
    assert windows_of(np.zeros(7, np.int32), 3).tolist() == [[0, 0, 3], [0, 3, 6], [3, 6, 7]]
    assert first_of_tie(np.array([1, 1, 2], np.int32), np.array([4, 4, 4])).tolist() == [0, 0, 2]


def test_a_movie_without_a_rating_is_that_of_a_fit_without_it() -> None:
    """While the users stand still, one rating taken back gives the solution of all others."""
    table = planted(users=20, movies=8, rows=100, seed=3)
    als = ALS(factors=2, iterations=30).fit(table)
    rows = als.encode(table)
    sides, centred = als.state.sides, als.state.centring.centred(rows.stars)
    weights, covariance = sides.movies
    found = leave_own_out(rows.users, rows.movies, centred, sides)
    row = 17
    users = sides.users.weights[rows.users]
    mine = rows.movies == rows.movies[row]
    inputs = np.column_stack([np.ones(len(table)), users[:, 1:]])
    above = centred - users[:, 0]
    x, left = inputs[row], mine & (np.arange(len(table)) != row)
    precision = np.linalg.inv(covariance[rows.movies[row]])
    gain = precision @ weights[rows.movies[row]] - x * above[row]
    wanted = np.linalg.solve(precision - np.outer(x, x), gain)
    assert left.sum() == mine.sum() - 1
    np.testing.assert_allclose(found[row], wanted, atol=1e-8)


def test_rows_one_by_one_answer_as_the_net_in_batches() -> None:
    """The kernel, told train moment by moment, forecasts what torch does for whole histories."""
    split = chronological(planted(rows=2500))
    model = attention(max_history=16).fit(split.train, split.valid)
    task = model.training_task(model.encode(split.train), None)
    with torch.no_grad():
        squares = [(model.net(*b[:-1]) - b[-1]).square() for b in task.train.batches(512, None)]
    assert model.noise == pytest.approx(float(torch.cat(squares).mean().sqrt()), rel=1e-4)


def test_tastes_of_a_new_user_are_read_from_what_he_says() -> None:
    """Heard 30 ratings, a stranger is forecast better than the mean of his stars could."""
    train, test, _ = tastes(seed=1)
    strangers = train.frame["user"].to_numpy() < 30
    trainer = {"epochs": 25, "batch_size": 1024, "learning_rate": 0.02, "patience": 25}
    model = attention(trainer=trainer).fit(train.take(~strangers))
    asked = test.take(test.frame["user"].to_numpy() < 30)
    before = model.predict(asked.requests()).stars - asked.stars
    model.observe(train.take(strangers))
    after = model.predict(asked.requests()).stars - asked.stars
    assert np.sqrt(np.mean(after**2)) < 0.75 * np.sqrt(np.mean(before**2))


def test_a_movie_is_learned_when_it_is_rated() -> None:
    table = planted()
    model = attention().fit(table)
    asked = Requests.of([1], [999])
    before = model.predict(asked).stars[0]
    fans = pl.DataFrame({"user": list(range(2, 12)), "movie": [999] * 10, "rating": [5.0] * 10})
    model.observe(checked(table.__class__(fans, scale=table.scale)))
    assert model.predict(asked).stars[0] > before + 0.3


def test_looks_back_no_further_than_length_and_learns_anew(tmp_path: Path) -> None:
    split = chronological(planted())
    model = attention(max_history=4).fit(split.train, split.valid)
    assert split.valid is not None
    model.refit(split.train.with_more(split.valid))
    model.observe(split.test.take(slice(0, 50)))
    model.save(tmp_path / "artifact")
    rest = split.test.take(slice(50, None))
    told = copy.deepcopy(model).walk(rest)
    assert np.array_equal(load_model(tmp_path / "artifact").walk(rest).stars, told.stars)


@pytest.mark.parametrize("setting", ["layers", "max_history"])
def test_refuses_senseless_settings(setting: str) -> None:
    with pytest.raises(InputError, match=setting):
        attention(**{setting: 0})


@pytest.mark.parametrize(("width", "max_history"), [(8, 5), (6, 100)])
def test_loops_attend_as_whole_matrices_do(width: int, max_history: int) -> None:
    """Rows without any earlier one, rows of one time, and padding, which may know of more rows."""
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 21, width, requires_grad=True) for _ in range(3))
    null_score, recency = (torch.tensor(x, requires_grad=True) for x in (2.0, -0.3))
    earlier = (torch.arange(21) // 3 * 3).repeat(2, 1)
    earlier[0] -= 4
    earlier[1, -2:] = 40
    inputs = Inputs(query, key, value, null_score, recency, earlier, max_history)
    upstream = torch.randn(2, 21, width)
    upstream[1, -2:] = 0
    results = []
    for attention in (dense, fused):
        mean = attention(inputs)
        results.append((mean[:, :-2], *torch.autograd.grad((mean * upstream).sum(), inputs[:5])))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_forecasts_of_targets_need_no_other_targets() -> None:
    torch.manual_seed(0)
    net = AttentionNet(3, 2, 4, 1.0)
    given = torch.randn(1, 9, 4), torch.randn(1, 9), torch.arange(9)[None]
    whole = net(*given, torch.ones(1, 9, dtype=torch.bool))
    some = torch.zeros(1, 9, dtype=torch.bool)
    some[0, [2, 6]] = True
    torch.testing.assert_close(net(*given, some), whole[[2, 6]])
