"""From tables to row numbers: where a model's ids, counts and former ratings are kept in step."""

from dataclasses import dataclass, replace

import numpy as np

from ratecast import resources
from ratecast.arrays import I64
from ratecast.data.side_columns import known_at_end
from ratecast.errors import InputError
from ratecast.modelling.contract.counts import Counts, of_stars
from ratecast.modelling.contract.given import GivenRatings
from ratecast.modelling.contract.hooks import Hooks
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.contract.vocabulary import Unknown, Vocabulary
from ratecast.ratings import MOVIE, USER, Ratings, Requests, T, trusted


@dataclass(kw_only=True, eq=False)
class RowNumbers(Hooks):
    """The part of the contract that turns tables into rows."""

    def begin_fit(self, train: Ratings) -> Rows:
        """Take over the scale, ids and counts; `fit_rows` learns from the rows."""
        if not len(train):
            raise InputError("train: no ratings to learn from")
        self.scale, self.learned_from = train.scale, ""
        train = known_at_end(train)
        self.users = Vocabulary.of(train.frame[USER], train.users)
        self.movies = Vocabulary.of(train.frame[MOVIE], train.movies)
        ids = f"{len(self.users) - 1:,} users and {len(self.movies) - 1:,} movies"
        about = f"model {self.name}, {ids}"
        resources.require_memory(self.memory_bytes(), about, "choose fewer factors")
        rows = self.encode(train)
        self.counts = Counts.of(rows, len(self.users), len(self.movies))
        self.given = GivenRatings.of(rows, len(self.users), len(self.movies))
        self.counts.of_stars = of_stars(train)
        return rows

    def encode(self, table: Requests, unknown: Unknown = "ignore") -> Rows:
        """Row numbers of a table's raw ids; unknown: what becomes of a new id."""
        table = self.with_own_ids(table)
        return Rows(
            self.users.encode(table.frame[USER], unknown, table.users),
            self.movies.encode(table.frame[MOVIE], unknown, table.movies),
            table,
        )

    def with_own_ids(self, table: T) -> T:
        """The table with ids of the types that the model's ids have."""
        users, movies = self.users.own_ids, self.movies.own_ids
        frame = table.frame
        own = [users(frame[USER]), movies(frame[MOVIE])]
        if all(ids.dtype == frame.schema[ids.name] for ids in own):
            return table
        return trusted(
            replace(
                table,
                frame=frame.with_columns(own),
                users=table.users.with_columns(users(table.users[USER])),
                movies=table.movies.with_columns(movies(table.movies[MOVIE])),
            )
        )

    def encode_new(self, ratings: Ratings, edges: I64 | None = None) -> Rows:
        """Row numbers of ratings to observe, and the former ratings; new ids get new numbers.

        edges: borders of the tie groups; None: they are one group.
        """
        rows = self.encode(ratings, "create")
        self.counts.grow(len(self.users), len(self.movies))
        self.grow()
        edges = np.array([0, len(rows)]) if edges is None else edges
        return rows.with_former(self.given.add(rows, edges))
