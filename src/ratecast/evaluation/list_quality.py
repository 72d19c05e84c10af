"""Metrics of the top-N lists that a fitted model gives to its users."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import polars as pl

from ratecast.data.pairs import ids_of
from ratecast.errors import InputError
from ratecast.evaluation.co_ratings import CoRatings
from ratecast.evaluation.own_train import require_own_train
from ratecast.evaluation.ranking import least_liked
from ratecast.ids import Id
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.queries.id_lists import candidates
from ratecast.queries.top_n import Recommender
from ratecast.ratings import MOVIE, RATING, USER, Ratings
from ratecast.splits import Split

# Diversity is measured on so many lists at most; its mean is known to some thousandths then.
SAMPLE = 2_000
# How many users `ListQuality.by_part` draws at least and at most, to score about so many pairs.
USERS, PAIRS = (100, 1_000), 1_000_000
_SHARE, _SECOND = "share", "second"


@dataclass(frozen=True)
class ListQuality:
    """What the lists of the n best movies are like: the movies that a user has not rated in train.

    p is the share of the users of train who rated a movie; of one that no user rated, that of a
    single user. Means are over users, of the means over the movies of each list.

    catalogue_coverage: share of the movies that the model can list that are in some list.
    novelty: mean -log2 p, bits; 0 for a movie that everybody rated.
    diversity: 1 - mean cosine of the pairs of a list, 0 to 1, by who rated the movies in train.
        Vectors of a model would measure each model by itself, and not every model has them.
        On more than 2,000 lists, of 2,000 drawn with seed 0.
    popularity: mean p, 0 to 1: the average recommendation popularity.
    popularity_lift: popularity / the same mean of the movies that the users rated in train, less 1.
        Above 0 the lists are more popular than what their users rate: popularity bias.
    gini: Gini index of how often each movie of the catalogue is listed; 0 if all equally, 1 if
        always the same one: Σ_i (2 i - M - 1) x_i / ((M - 1) Σ x), x ascending.
    recall: share of a user's liked rows of the part that are in the list, of those whose movie the
        model could list; a row is liked if its rating is `liked` or more.

    A mean over nothing is NaN. lists: users with a list. short_lists: those of fewer than n movies.
    users_with_liked: who count for recall. Most movies of a list are never rated by the user, and
    count for recall like those that are not liked. So it is low, and compares models on one split
    only. A user without ratings in train gets no list.

    References: Ge, Delgado-Battenfeld, Jannach 2010, "Beyond accuracy: evaluating recommender
    systems by coverage and serendipity"; Zhou et al. 2010, "Solving the apparent diversity-accuracy
    dilemma of recommender systems" (novelty as self-information); Ziegler et al. 2005, "Improving
    recommendation lists through topic diversification" (intra-list similarity); Yin et al. 2012,
    "Challenging the long tail recommendation" (popularity; differs: a share, not a count);
    Abdollahpouri et al. 2019, "The unfairness of popularity bias in recommendation" (lift); Shani,
    Gunawardana 2011, "Evaluating recommendation systems" (Gini index).

    >>> import ratecast as rc
    >>> split = rc.chronological(rc.example_ratings())
    >>> quality = rc.ListQuality.of(rc.ALS(factors=2).fit(split.train), split, n=5)
    >>> quality.lists, 0 < quality.catalogue_coverage < 1, 0 < quality.recall < 1
    (60, True, True)
    """

    n: int
    liked: float
    catalogue_coverage: float
    novelty: float
    diversity: float
    popularity: float
    popularity_lift: float
    gini: float
    recall: float
    lists: int
    short_lists: int
    users_with_liked: int

    @classmethod
    def of(cls, model: Model, split: Split, n: int = 10, *, part: str = "test") -> Self:
        """Lists of all users that a model knows; arguments and errors as of `UserLists`."""
        return cls.mean(UserLists.of(model, split, n, part=part))

    @classmethod
    def by_part(cls, model: Model, split: Split, n: int = 10) -> dict[str, Self]:
        """The same lists, measured on every later part.

        Of all users of train, or of 100 to 1,000 that are drawn with seed 0: so many that about a
        million pairs of user and movie are scored. They are the same for every model, because the
        coverage of a catalogue grows with the number of lists.

        >>> import ratecast as rc
        >>> split = rc.chronological(rc.example_ratings())
        >>> list(ListQuality.by_part(rc.Bias().fit(split.train), split))
        ['valid', 'test']
        """
        users = split.train.frame[USER].unique().sort()
        least, most = USERS
        most = min(most, max(least, PAIRS // max(split.train.frame[MOVIE].n_unique(), 1)))
        if len(users) > most:
            users = users.sample(most, seed=0).sort()
        lists = UserLists.by_part(model, split, n, users=users)
        return {part: cls.mean(each) for part, each in lists.items()}

    @classmethod
    def mean(cls, each: "UserLists") -> Self:
        """The means over users, and what is of all lists together."""
        means = {name: _mean(each.frame[name]) for name in ("novelty", "diversity", "popularity")}
        listed = each.frame.filter(pl.col("movies") > 0)
        return cls(
            n=each.n,
            liked=each.liked,
            catalogue_coverage=_mean(each.exposure > 0),
            **means,
            popularity_lift=means["popularity"] / _mean(listed["rated_popularity"]) - 1,
            gini=_gini(each.exposure),
            recall=_mean(each.frame["recall"]),
            lists=len(listed),
            short_lists=int((listed["movies"] < each.n).sum()),
            users_with_liked=each.frame["recall"].count(),
        )


@dataclass(frozen=True, eq=False)
class UserLists:
    """The metrics of `ListQuality` for each user.

    lists: user, movie, rank and stars. exposure: in how many lists each movie of the catalogue is.
    frame: a line for each user, by id: user, movies (in the list), novelty, diversity, popularity,
    rated_popularity and recall; null where the user does not count.
    """

    n: int
    liked: float
    lists: pl.DataFrame
    exposure: pl.Series
    frame: pl.DataFrame

    @classmethod
    def of(
        cls,
        model: Model,
        split: Split,
        n: int = 10,
        *,
        part: str = "test",
        liked: float | None = None,
        users: pl.Series | Sequence[Id] | None = None,
    ) -> Self:
        """Measure the lists that `recommend` gives, without the movies rated in train.

        model: fitted on `split.train`. part: where later ratings are looked up; read test once.
        liked: as for `UserRankings`. users: ids that get a list; None is every user of train.
        Raises `InputError` for a model that learned from other rows, n below 1, no such part.

        >>> import ratecast as rc
        >>> split = rc.chronological(rc.example_ratings())
        >>> each = UserLists.of(rc.Bias().fit(split.train), split, users=[1, 2])
        >>> each.frame["movies"].to_list()
        [10, 10]
        """
        if part not in split.parts or part == "train":
            raise InputError(
                f"lists: no later part {part!r}; give one of {', '.join([*split.parts][1:])}"
            )
        return cls.by_part(model, split, n, liked=liked, users=users, parts=(part,))[part]

    @classmethod
    def by_part(
        cls,
        model: Model,
        split: Split,
        n: int = 10,
        *,
        liked: float | None = None,
        users: pl.Series | Sequence[Id] | None = None,
        parts: Sequence[str] = ("valid", "test"),
    ) -> dict[str, Self]:
        """The same lists measured on each of some later parts, of those that the split has.

        >>> import ratecast as rc
        >>> split = rc.chronological(rc.example_ratings())
        >>> valid, test = UserLists.by_part(rc.Bias().fit(split.train), split).values()
        >>> valid.lists is test.lists
        True
        """
        require_own_train(model, split, f"lists: model {model.name}", "fit it on split.train")
        liked = least_liked(split.train.scale, liked)
        chosen = model.users.known if users is None else ids_of(users, USER, "lists")
        users = model.users.own_ids(chosen.rename(USER)).unique().sort()
        own = split.train.take(split.train.frame[USER].is_in(users.implode()).to_numpy())
        lists = Recommender(model, own.requests()).top(users, n)
        movies = candidates(model)
        frame = users.to_frame()
        for columns in (
            *_by_popularity(lists, split.train, own),
            _diversity(lists, split.train),
        ):
            frame = frame.join(columns, on=USER, how="left", maintain_order="left")
        listed = lists.group_by(MOVIE).len("lists")
        exposure = movies.rename(MOVIE).to_frame().join(listed, on=MOVIE, how="left")["lists"]
        frame, exposure = frame.with_columns(pl.col("movies").fill_null(0)), exposure.fill_null(0)
        measured = {}
        for part in [part for part in parts if part in split.parts]:
            later = _Later(split.parts[part], liked, users, movies)
            recall = _recall(lists, own, later)
            whole = frame.join(recall, on=USER, how="left", maintain_order="left")
            measured[part] = cls(n, liked, lists, exposure, whole)
        return measured


class _Later(NamedTuple):
    """What may count for recall: ratings of a part, of at least `liked`, of users and movies."""

    part: Ratings
    liked: float
    users: pl.Series
    movies: pl.Series


def _by_popularity(
    lists: pl.DataFrame, train: Ratings, own: Ratings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """By user: movies, novelty and popularity of the list, and the popularity of what was rated.

    own: the rows of train of the users who get a list.
    """
    raters = train.frame.group_by(MOVIE).agg(pl.col(USER).n_unique().alias(_SHARE))
    everybody = train.frame[USER].n_unique()
    shares = raters.with_columns(pl.col(_SHARE) / everybody)
    # A movie without ratings: as new as one that a single user rated.
    share = pl.col(_SHARE).fill_null(1 / everybody)
    of_lists = lists.join(shares, on=MOVIE, how="left", maintain_order="left").select(
        USER, novelty=-share.log(2), popularity=share
    )
    rated = own.frame.select(USER, MOVIE).join(shares, on=MOVIE, maintain_order="left")
    counts = lists.group_by(USER).agg(pl.len().alias("movies"))
    return (
        counts.join(_means(of_lists), on=USER),
        _means(rated.select(USER, rated_popularity=_SHARE)),
    )


def _diversity(lists: pl.DataFrame, train: Ratings) -> pl.DataFrame:
    """By user, of up to `SAMPLE` users whose list has two movies or more."""
    users = lists.filter(pl.col("rank") == 2)[USER].sort()
    if len(users) > SAMPLE:
        users = users.sample(SAMPLE, seed=0)
    drawn = lists.filter(pl.col(USER).is_in(users.implode())).select(USER, MOVIE, "rank")
    others = drawn.rename({MOVIE: _SECOND, "rank": "later"})
    pairs = drawn.join(others, on=USER, maintain_order="left_right")
    pairs = pairs.filter(pl.col("rank") < pl.col("later"))
    cosines = CoRatings.of(train, drawn[MOVIE]).cosines(pairs[MOVIE], pairs[_SECOND])
    return _means(pairs.select(USER, diversity=1 - pl.Series(cosines)))


def _means(frame: pl.DataFrame) -> pl.DataFrame:
    """By user, the mean of every other column: added in the order of the rows.

    The mean of a polars group has now and then another last bit, on the same rows.
    """
    users = frame[USER].unique(maintain_order=True)
    number = Vocabulary(USER, users.to_frame()).encode(frame[USER]) - 1
    n = np.bincount(number)
    others = {c: np.bincount(number, frame[c].to_numpy()) / n for c in frame.columns if c != USER}
    return pl.DataFrame({USER: users} | others)


def _recall(lists: pl.DataFrame, own: Ratings, later: _Later) -> pl.DataFrame:
    """By user, of those with a liked row that the model could list."""
    liked = later.part.frame.filter(
        # As a rating is stored, so that a star is equal to itself.
        pl.col(RATING) >= float(np.float32(later.liked)),
        pl.col(USER).is_in(later.users.implode()),
        pl.col(MOVIE).is_in(later.movies.implode()),
    )
    pairs = liked.select(USER, MOVIE).unique().join(own.frame, on=[USER, MOVIE], how="anti")
    listed = lists.select(USER, MOVIE, is_listed=True)
    hits = pairs.join(listed, on=[USER, MOVIE], how="left")
    return hits.group_by(USER).agg(pl.col("is_listed").fill_null(False).mean().alias("recall"))


def _gini(exposure: pl.Series) -> float:
    counts = np.sort(exposure.to_numpy()).astype(np.float64)
    size, total = len(counts), counts.sum()
    if size < 2 or not total:
        return float("nan")
    weights = 2 * np.arange(1, size + 1) - size - 1
    return float(weights @ counts / ((size - 1) * total))


def _mean(values: pl.Series) -> float:
    known = values.drop_nulls()
    return float(known.to_numpy().mean()) if len(known) else float("nan")
