"""A shard of a descent: the users of some groups, and the groups of movies that are with it now."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from ratecast.aligned import cache_aligned
from ratecast.modelling.factors.pair_scores import Side32
from ratecast.modelling.kernels.csr import Triples
from ratecast.models.mf_bias.sgd_epochs import Moves
from ratecast.models.mf_bias.stratified_sgd import StepSizes, move_to_centre, run_block
from ratecast.out_of_core.ahead import read_ahead
from ratecast.out_of_core.strata import Block, StrataOnDisk
from ratecast.resources import available_memory

# Groups of movies, by number.
Message = dict[int, Side32]


class DescentShard:
    """See above. Its methods are called in the order of the turns of an epoch.

    blocks: where they are. start: the first user. users: their side. movies: groups to begin with.
    """

    def __init__(
        self, blocks: StrataOnDisk, start: int, users: Side32, movies: Mapping[int, Side32]
    ) -> None:
        self._users = _owned(users)
        self._movies: Message = {}
        # Where a group of movies is copied to whenever it comes.
        self._places: Message = {}
        self._take(movies)
        # Every core of a node may have a shard; half of its part stays free.
        self._kept = _KeptBlocks(blocks, start, available_memory() // (2 * (os.cpu_count() or 1)))
        self._reading: Iterator[Triples] = iter(())
        self._error: Exception | None = None

    def begin(
        self, blocks: Sequence[Block], moves: Moves | None, sends: Sequence[Sequence[int]]
    ) -> Message | list[Message] | None:
        """Begin an epoch. blocks: all that will run. moves: of the priors, after the last epoch.

        sends: groups of movies for others; a message for each is returned.
        """
        self._safely(partial(self._begin, blocks, moves))
        return self._sent(sends)

    def run(
        self,
        blocks: Sequence[Block],
        sizes: StepSizes,
        sends: Sequence[Sequence[int]],
        *messages: Message,
    ) -> Message | list[Message] | None:
        """Take some blocks in turn, then send as `begin` does. messages: from others."""
        self._safely(partial(self._run, blocks, sizes, messages))
        return self._sent(sends)

    def sides(self) -> tuple[Side32, Message]:
        """Users, and the movies that are here."""
        self._safely(lambda: None)
        return self._users, self._movies

    def _safely(self, work: Callable[[], None]) -> None:
        """After an error there is but this one: what others wait for does not come."""
        if self._error is not None:
            raise self._error
        try:
            work()
        except Exception as error:
            self._error = error
            raise

    def _begin(self, blocks: Sequence[Block], moves: Moves | None) -> None:
        if moves is not None:
            for of_side, sides in zip(moves, ([self._users], self._movies.values()), strict=True):
                bias, vector = of_side.centre
                for side in sides:
                    # A copy: of the one kind of array that the loop is compiled for.
                    move_to_centre(side, (bias, np.array(vector)), of_side.shares)
        self._reading = read_ahead(blocks, self._kept.read, most=3)

    def _run(self, blocks: Sequence[Block], sizes: StepSizes, messages: Sequence[Message]) -> None:
        for message in messages:
            self._take(message)
        for block in blocks:
            sides = self._users, self._movies[block[1]]
            run_block(block, next(self._reading), sides, sizes)

    def _take(self, message: Mapping[int, Side32]) -> None:
        """Copy groups of movies, which the object store has read-only."""
        for group, side in message.items():
            if group in self._places:
                place = self._places[group]
                place.biases[:], place.vectors[:] = side
            else:
                self._places[group] = place = _owned(side)
            self._movies[group] = place

    def _sent(self, sends: Sequence[Sequence[int]]) -> Message | list[Message] | None:
        """As many results as messages."""
        messages = [{group: self._movies.pop(group) for group in groups} for groups in sends]
        if len(messages) == 1:
            return messages[0]
        return messages or None


class _KeptBlocks:
    """Blocks as they are read; decoding one takes as long as its steps, so many are kept.

    room: bytes for these.
    """

    def __init__(self, blocks: StrataOnDisk, start: int, room: int) -> None:
        self._blocks, self._start, self._room = blocks, start, room
        self._kept: dict[Block, Triples] = {}

    def read(self, block: Block) -> Triples:
        """The ratings of a block."""
        triples = self._kept.get(block)
        if triples is None:
            triples = self._blocks.read_for_shard(block, self._start)
            size = sum(column.nbytes for column in triples)
            if size <= self._room:
                self._room -= size
                self._kept[block] = triples
        return triples


def _owned(side: Side32) -> Side32:
    """A copy that can be changed, aligned to the cache."""
    vectors = cache_aligned(*side.vectors.shape)
    vectors[...] = side.vectors
    return Side32(np.array(side.biases), vectors)
