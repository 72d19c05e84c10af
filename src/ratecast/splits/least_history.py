"""Leaves out the rows whose user or movie has few ratings in train."""

from dataclasses import replace

from ratecast.errors import InputError
from ratecast.ratings import MOVIE, USER, Ratings
from ratecast.splits.numbers import check_count
from ratecast.splits.split import Split


def least_history(split: Split, user: int = 0, movie: int = 0) -> Split:
    """The split with those rows of valid and test whose user and movie train knows well enough.

    user, movie: the fewest ratings in train. Train keeps all of its rows: what is asked is how well
    known ids are forecast, and no later rating decides it, as it does where a table is thinned out
    before it is split.
    Raises `InputError` if a part would be empty.

    >>> import ratecast as rc
    >>> split = rc.chronological(rc.example_ratings())
    >>> len(rc.least_history(split, user=20).test) < len(split.test)
    True
    """
    check_count("least history", 0, user=user, movie=movie)
    kept: dict[str, Ratings] = {}
    for name, part in split.parts.items():
        if name != "train":
            kept[name] = _known(part, split.train, {USER: user, MOVIE: movie})
            if not len(kept[name]):
                raise InputError(
                    f"{split.name}: no row of {name} has a user with {user} and a movie with "
                    f"{movie} ratings in train; give smaller numbers"
                )
    out = {name: len(split.parts[name]) - len(part) for name, part in kept.items()}
    wanted = [f"a {kind} of under {n}" for kind, n in ((USER, user), (MOVIE, movie)) if n]
    remarks = tuple(
        f"{n:,} of {len(split.parts[name]):,} rows of {name} left out: "
        f"{' or '.join(wanted)} ratings in train"
        for name, n in out.items()
        if n
    )
    return replace(
        split,
        valid=kept.get("valid"),
        test=kept["test"],
        left_out=split.left_out + sum(out.values()),
        remarks=split.remarks + remarks,
    )


def _known(part: Ratings, train: Ratings, least: dict[str, int]) -> Ratings:
    for kind, number in least.items():
        if number:
            counts = train.frame[kind].value_counts(name="n")
            known = counts.filter(counts["n"] >= number)[kind]
            part = part.take(part.frame[kind].is_in(known.implode()).to_numpy())
    return part
