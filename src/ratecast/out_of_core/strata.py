"""Blocks of users x movies on disk, as `Strata` has them in memory; 3 to 6 bytes a rating.

A block has the number of ratings of each user of its group, and of each rating the movie, as its
place in its group in 2 or 4 bytes, and the star's code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from ratecast.arrays import I32, I64
from ratecast.compiled import njit
from ratecast.errors import InputError
from ratecast.modelling.kernels.csr import Triples
from ratecast.models.mf_bias.stratified_sgd import GROUPS, block_groups, take_turns
from ratecast.out_of_core.ahead import read_ahead
from ratecast.out_of_core.columns import Array, write_all
from ratecast.out_of_core.grouping import GroupedOnDisk
from ratecast.out_of_core.table import RowTable
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.progress import bar

STAGE = "strata"
_SHORT = 1 << 16
# Its group of users, and of movies.
Block = tuple[int, int]


@dataclass(frozen=True)
class StrataOnDisk:
    """Where the blocks are. table: whose ratings. centre, unit: as the stars are centred."""

    folder: Path
    table: RowTable
    centre: float
    unit: float

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process finds out the groups by itself.
        return StrataOnDisk, (self.folder, self.table, self.centre, self.unit)

    @cached_property
    def groups(self) -> tuple[I32, I32]:
        """Group of each user and of each movie."""
        counts = self.table.counts
        return block_groups(counts.of_users, counts.of_movies)

    @cached_property
    def first_users(self) -> I64:
        """The first user of each group, and the number of users: (GROUPS + 1,)."""
        return np.searchsorted(self.groups[0], np.arange(GROUPS + 1))

    @cached_property
    def movies_of(self) -> list[I32]:
        """The movies of each group, ascending."""
        return [np.flatnonzero(self.groups[1] == k).astype(np.int32) for k in range(GROUPS)]

    def path(self, block: Block) -> Path:
        """The file of a block: groups of users and of movies."""
        return self.folder / f"{block[0]:02}-{block[1]:02}.bin"

    def read(self, block: Block) -> Triples:
        """Users, movies and centred stars of a block; raises `InputError`."""
        return self._read(block, 0, self.movies_of[block[1]])

    def read_for_shard(self, block: Block, start: int) -> Triples:
        """The same, users numbered from `start` on, and each movie by its place in its group."""
        places = np.arange(len(self.movies_of[block[1]]), dtype=np.int32)
        return self._read(block, start, places)

    def _read(self, block: Block, start: int, movies: I32) -> Triples:
        """See `read`. start: of the users' numbers. movies: numbers of those of the group."""
        first, last = (int(self.first_users[block[0] + k]) for k in (0, 1))
        content = np.fromfile(self.path(block), np.uint8)
        runs = content[: 4 * (last - first)].view(np.uint32)
        number, size = int(runs.sum(dtype=np.int64)), 2 if len(movies) <= _SHORT else 4
        end = len(runs) * 4 + size * number
        star = np.dtype(self.table.star_type)
        if len(content) != end + star.itemsize * number:
            raise InputError(
                f"{self.path(block)}: is incomplete; remove {self.folder.parent}, and start again"
            )
        places = content[len(runs) * 4 : end].view(np.uint16 if size == 2 else np.uint32)
        codes = content[end:].view(star)
        triples = np.empty(number, np.int32), np.empty(number, np.int32)
        _decode(runs, first - start, (places, movies), triples)
        return take_turns((*triples, self.table.centred(self.centre, self.unit, codes)))


def strata(work: WorkFolder, by_user: GroupedOnDisk, centre: float, unit: float) -> StrataOnDisk:
    """The blocks, written unless this is done already."""
    blocks = StrataOnDisk(work.stage(STAGE), by_user.table, centre, unit)
    if work.done(STAGE) is None:
        work.begin(STAGE)
        with bar("strata", GROUPS) as progress:
            of_group = partial(_blocks_of_group, blocks, by_user)
            for group, written in enumerate(read_ahead(range(GROUPS), of_group, most=1)):
                for k, columns in enumerate(written):
                    _write(blocks, (group, k), columns)
                progress.advance()
        work.finish(STAGE, {})
    return blocks


def _write(blocks: StrataOnDisk, block: Block, columns: tuple[Array, ...]) -> None:
    with blocks.path(block).open("wb", buffering=0) as file:
        for column in columns:
            write_all(file, column, blocks.folder)


def _blocks_of_group(
    blocks: StrataOnDisk, by_user: GroupedOnDisk, group: int
) -> list[tuple[Array, ...]]:
    """Runs, places and codes of the blocks of a group of users, from its ratings by user."""
    first, last = (int(blocks.first_users[group + k]) for k in (0, 1))
    edges = by_user.edges[first : last + 1] - by_user.edges[first]
    movies, codes = by_user.codes(first, last)
    ordered = np.empty_like(movies), np.empty_like(codes)
    runs = np.zeros((GROUPS, last - first), np.uint32)
    place = np.empty(len(blocks.groups[1]), np.uint32)
    for members in blocks.movies_of:
        place[members] = np.arange(len(members))
    cuts = np.zeros(GROUPS + 1, np.int64)
    _part(edges, (movies, codes), (blocks.groups[1], place), (ordered, runs), cuts)
    written: list[tuple[Array, ...]] = []
    for k, members in enumerate(blocks.movies_of):
        rows = slice(int(cuts[k]), int(cuts[k + 1]))
        short = ordered[0][rows].astype(np.uint16 if len(members) <= _SHORT else np.uint32)
        written.append((runs[k], short, ordered[1][rows]))
    return written


@njit(cache=True, nogil=True)
def _part(edges, ratings, of_movie, out, cuts):  # type: ignore[no-untyped-def]
    """Sort ratings by group of movies, stably, and count those of each user and group.

    edges: (users + 1,). ratings: movies and codes, (n,). of_movie: group, and place in it, of each
    movie. out: the places and codes in order, and runs (GROUPS, users). cuts: of the groups.
    """
    (movies, codes), (group_of, place_of) = ratings, of_movie
    (places, to_codes), runs = out
    for movie in movies:
        cuts[group_of[movie] + 1] += 1
    for k in range(1, len(cuts)):
        cuts[k] += cuts[k - 1]
    following = cuts.copy()
    for user in range(len(edges) - 1):
        for i in range(edges[user], edges[user + 1]):
            group = group_of[movies[i]]
            to = following[group]
            following[group] = to + 1
            places[to], to_codes[to] = place_of[movies[i]], codes[i]
            runs[group, user] += 1


@njit(cache=True, nogil=True)
def _decode(runs, first, movies, triples):  # type: ignore[no-untyped-def]
    """Fill users and movies, (n,) each. movies: places in the group, (n,), and its members."""
    (places, members), (users, to_movies) = movies, triples
    i = 0
    for user in range(len(runs)):
        for _ in range(runs[user]):
            users[i] = first + user
            to_movies[i] = members[places[i]]
            i += 1


def all_blocks(stratum: int) -> Iterator[Block]:
    """The blocks of a stratum, which share no user and no movie."""
    for group in range(GROUPS):
        yield group, (group + stratum) % GROUPS
