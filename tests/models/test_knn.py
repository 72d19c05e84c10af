import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ratecast.data.duplicates import keep_latest
from ratecast.modelling.contract.rows import Rows, time_groups
from ratecast.models.bias import Bias
from ratecast.models.knn import KNN, STD_DAMPING
from ratecast.ratings import Ratings, Requests, checked
from ratecast.splits import chronological
from tests.planted import planted, tastes


class PlainKnn:
    """The same neighbourhood with dense matrices and sorting, for one fitted `KNN`."""

    def __init__(self, model: KNN, train: Rows, size: int) -> None:
        self.model = model
        self.products, self.both = np.zeros((size, size)), np.zeros((size, size))
        self.given: dict[int, list[tuple[int, float]]] = {}
        self.remember(train)

    def residual(self, user: int, movie: int, star: float) -> float:
        model = self.model
        predicted = model._mean + model._user_bias()[user] + model._movie_bias()[movie]
        return float(star - predicted)

    def remember(self, rows: Rows) -> None:
        columns = rows.users, rows.movies, rows.stars.tolist(), rows.former_stars.tolist()
        for user, movie, star, former in zip(*columns, strict=True):
            if not np.isnan(former):
                self.replace(user, movie, former, star)
                continue
            residual = self.residual(user, movie, star)
            for other, stars in self.given.get(user, []):
                if other != movie:
                    product = residual * self.residual(user, other, stars)
                    for pair in ((movie, other), (other, movie)):
                        self.products[pair] += product
                        self.both[pair] += 1
            self.products[movie, movie] += residual**2
            self.both[movie, movie] += 1
            self.given.setdefault(user, []).append((movie, star))

    def replace(self, user: int, movie: int, former: float, star: float) -> None:
        before, after = (self.residual(user, movie, stars) for stars in (former, star))
        for other, stars in self.given[user]:
            if other != movie:
                product = (after - before) * self.residual(user, other, stars)
                for pair in ((movie, other), (other, movie)):
                    self.products[pair] += product
        self.products[movie, movie] += after**2 - before**2
        rated = [other for other, _ in self.given[user]]
        latest = len(rated) - 1 - rated[::-1].index(movie)
        self.given[user][latest] = movie, star

    def forecast(self, user: int, movie: int) -> float:
        model, rated = self.model, self.given.get(user, [])
        own = np.diag(self.products) + STD_DAMPING * model._variance
        std = np.sqrt(own / (np.diag(self.both) + STD_DAMPING))
        pairs = std[movie] * std * (self.both[movie] + model.similarity_damping)
        weight = np.array([max(self.products[movie, j] / pairs[j], 0) ** 2 for j, _ in rated])
        error = np.array([self.residual(user, j, star) for j, star in rated])
        best = np.argsort(-weight)[: model.neighbours].astype(int)
        correction = (weight[best] @ error[best]) / (model.weight_damping + weight[best].sum())
        return float(correction - self.residual(user, movie, 0.0))


def test_the_kernel_equals_the_plain_neighbourhood() -> None:
    split = chronological(planted(users=12, movies=15, rows=200, seed=2))
    # Of two ratings of one pair either could be the last neighbour that counts.
    split = replace(split, train=replace(split.train, frame=keep_latest(split.train.frame)[0]))
    model = KNN(neighbours=4, similarity_damping=5.0).fit(split.train)
    walker, biases = (
        copy.deepcopy(model),
        Bias(user_damping=model.user_damping, movie_damping=model.movie_damping),
    )
    rows = model.encode_new(split.test, time_groups(split.test))
    assert not rows.is_first.all()
    plain = PlainKnn(model, model.encode(split.train), len(model.movies))
    biases.fit(split.train).encode_new(split.test)
    wanted = []
    for start, stop in pairwise(time_groups(split.test)):
        now = rows.take(slice(start, stop))
        wanted += [plain.forecast(u, m) for u, m in zip(now.users, now.movies, strict=True)]
        plain.remember(now)
        biases.observe_rows(now)
        model._of_users, model._of_movies = biases._of_users, biases._of_movies
    stars = walker.walk(split.test).stars
    np.testing.assert_allclose(stars, split.test.scale.clip(np.array(wanted)), atol=1e-5)


def test_finds_planted_tastes_that_biases_cannot() -> None:
    train, test, _ = tastes(seed=0)
    error = {
        model: np.std(model.fit(train).predict(test.requests()).stars - test.stars)
        for model in (KNN(similarity_damping=10.0), Bias())
    }
    knn, bias = error.values()
    assert knn < 0.75 * bias


def test_a_new_user_is_forecast_by_the_bias_until_the_first_rating() -> None:
    train, test, _ = tastes(seed=1)
    new = train.frame["user"].to_numpy() < 30
    model = KNN(similarity_damping=10.0).fit(train.take(~new))
    bias = Bias(user_damping=model.user_damping, movie_damping=model.movie_damping).fit(
        train.take(~new)
    )
    requests = test.take(test.frame["user"].to_numpy() < 30)
    before = model.predict(requests.requests()).stars
    np.testing.assert_allclose(before, bias.predict(requests.requests()).stars)
    model.observe(train.take(new))
    after = model.predict(requests.requests()).stars
    assert np.std(after - requests.stars) < 0.8 * np.std(before - requests.stars)


def test_movies_without_a_slot_are_forecast_by_their_bias() -> None:
    """Only the three most rated movies are compared; new ones get no slot."""
    table = planted()
    model = KNN(max_movies=3).fit(table)
    bias = Bias(user_damping=model.user_damping, movie_damping=model.movie_damping).fit(table)
    new = Ratings(table.frame.head(1).with_columns(movie=999), scale=table.scale)
    for one in (model, bias):
        one.observe(checked(new))
    requests = table.requests()
    knn, plain = model.predict(requests).stars, bias.predict(requests).stars
    slots = model._slots[model.movies.encode(table.frame["movie"])]
    assert len(np.unique(slots)) == 4
    np.testing.assert_allclose(knn[slots == 0], plain[slots == 0])
    assert not np.allclose(knn[slots > 0], plain[slots > 0])


def test_new_movies_become_neighbours() -> None:
    """All rated the new movie as they did movie 7: a new user's rating of one counts for both."""
    train, _, _ = tastes(seed=2)
    model = KNN(similarity_damping=5.0).fit(train)
    fans = train.frame.filter(train.frame["movie"] == 7)
    model.observe(checked(Ratings(fans.with_columns(movie=999), scale=train.scale)))
    forecasts = []
    for star in (0.0, 6.0):
        updated, one = copy.deepcopy(model), fans.head(1).with_columns(user=888, rating=star)
        updated.observe(checked(Ratings(one, scale=train.scale)))
        forecasts.append(updated.predict(Requests.of([888], [999])).stars[0])
    assert forecasts[1] - forecasts[0] > 3
