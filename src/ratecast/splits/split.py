"""A split: the parts of one table, and what keeps train apart from what is forecast."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ratecast.data.frames import ratings_of
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, USER, Ratings

# What is true of every rating of a part that is forecast:
# time: it is later than all of train. user-time: it is not earlier than those of its user in train.
# users: its user has at most `given` ratings in train, none of them later. rows: it is not in
# train. made: nothing, since the parts were given.
Separation = Literal["time", "user-time", "users", "rows", "made"]
# UTC seconds from which and until which a part lasts, without the end; None where it has none.
Border = tuple[int | None, int | None]


@dataclass(frozen=True)
class Split:
    """Three parts of one table, on the scale of `train`. Some splits have no `valid`.

    name: as of the option --split, for a split of ratecast; any other for a split made by hand,
    whose parts are `Ratings` or frames. separation: time, user-time, users, rows; made, if by hand.
    given: for users, how many ratings of a user of a later part are in train. borders: half-open
    periods of the parts in UTC seconds, for time. left_out: rows of the table that are in no part,
    on purpose. remarks: what a reader of its scores should know, a line each. continues: whether
    the model of the split before it is updated for this one, and not fitted anew.
    Raises `InputError` for parts that do not fit.

    >>> import ratecast as rc
    >>> list(rc.chronological(rc.example_ratings()).parts)
    ['train', 'valid', 'test']
    """

    name: str
    train: Ratings
    valid: Ratings | None
    test: Ratings
    separation: Separation = "made"
    given: int = 0
    borders: Mapping[str, Border] = field(default_factory=dict)
    left_out: int = 0
    remarks: tuple[str, ...] = ()
    continues: bool = False

    def __post_init__(self) -> None:
        """Check the parts, and make ratings of frames."""
        for name, part in self.parts.items():
            scale = None if name == "train" else self.train.scale
            object.__setattr__(self, name, ratings_of(part, scale, where=name))
            for kind in (USER, MOVIE):
                now, first = (rows.frame.schema[kind] for rows in (self.parts[name], self.train))
                if now != first:
                    raise InputError(
                        f"{name}: ids of {kind}s are {now}, of train {first}; cast both to text"
                    )

    @property
    def parts(self) -> dict[str, Ratings]:
        """The parts that are not None, by name."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}


def predefined(train: Ratings, test: Ratings, valid: Ratings | None = None) -> Split:
    """The split of given tables."""
    return Split(PREDEFINED, train, valid, test)


# The name of a split of given tables.
PREDEFINED = "predefined"
