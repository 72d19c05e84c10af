"""The recommended lists of many users, as a table in parts: a run of users in each."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.evaluation.part_runs import PartRun, SavedModel, Slices, make_parts, versions
from ratecast.parted_table import Part
from ratecast.queries.top_n import Recommender, check_count, users_in_block
from ratecast.ratings import MOVIE, USER, Requests, frame_fingerprint
from ratecast.workers import LOCAL, Place

# So many blocks of users in a part; a kill loses seconds, and few parts are left for the last
# worker.
BLOCKS = 32
# Compressed: the stars, which are all different, and little for what repeats.
_ROW_BYTES = 12


@dataclass(frozen=True, eq=False)
class Lists:
    """Which lists are wanted of a saved model; see `Recommender`.

    count: movies for each user. movies: that may be recommended. rated: pairs to leave out.
    """

    saved: SavedModel
    count: int
    movies: pl.Series
    rated: Requests | None = None

    def part(self, *given: Any) -> tuple[pl.DataFrame, dict[str, Any]]:
        """The lists of some users: see `Maker`. given: their ids."""
        (users,) = given
        return pl.concat(list(self._recommender.blocks(users, self.count))), {"users": len(users)}

    @cached_property
    def _recommender(self) -> Recommender:
        return Recommender(self.saved.load(), self.rated, self.movies)


def write_lists(
    out: Path, lists: Lists, users: pl.Series, place: Place = LOCAL, in_part: int | None = None
) -> list[Part]:
    """Write the lists of users to a folder of parts, in their order; see `make_parts`.

    in_part: users in each part; by default a multiple of the blocks in which they are ranked, the
    same for any number of workers. Raises `InputError`.
    """
    check_count(lists.count)
    model = lists.saved.load()
    users = model.users.own_ids(users.rename(USER))
    if lists.rated is not None:
        # No more than is needed goes to the workers.
        lists = replace(lists, rated=Requests(lists.rated.frame.select(USER, MOVIE)))
    size = in_part or BLOCKS * users_in_block(model, len(lists.movies))
    made_from = {
        "table": "lists",
        "artifact": lists.saved.identity,
        "n": lists.count,
        "users": frame_fingerprint(users.to_frame()),
        "movies": frame_fingerprint(lists.movies.rename(MOVIE).to_frame()),
        "excluded": _excluded(lists.rated),
        "in_part": size,
        "versions": versions(),
    }
    rows = len(users) * min(lists.count, len(lists.movies))
    run = PartRun(out, f"{model.name}: recommend", made_from, lists.saved, rows, _ROW_BYTES)
    # The workers read their own, and this process needs it no more.
    del model
    return make_parts(run, lists, Slices(len(users), size, lambda part: (users[part],)), place)


def _excluded(rated: Requests | None) -> str:
    """What no other pairs to leave out have."""
    if rated is None:
        return "those that the model stores"
    return frame_fingerprint(rated.frame) if len(rated) else "none"
