"""The epochs of a descent, by actors that each have a shard of the users."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ratecast.data.notices import to_stderr
from ratecast.errors import InputError
from ratecast.modelling.factors.pair_scores import Side32
from ratecast.models.mf_bias.sgd_epochs import Descent, Moves, Sides32
from ratecast.models.mf_bias.stratified_sgd import GROUPS, StepSizes
from ratecast.out_of_core.rotation import Turn, owners, plan
from ratecast.out_of_core.shard import DescentShard, Message
from ratecast.out_of_core.strata import StrataOnDisk
from ratecast.workers import Pool
from ratecast.workers.actors import actors, workers_now
from ratecast.workers.contract import Actors, LostWorker

# How often an epoch is begun again after a worker or a node has ended.
AGAIN = 3


@dataclass
class _Running:
    """An epoch that the actors work on. sides: of each actor, when they are ready."""

    order: list[int]
    sizes: StepSizes
    sides: list[Any]
    holders: list[int]


class RotatingEpochs:
    """Runs epochs. An actor that ends costs the epoch: all begin again with the sides before it."""

    def __init__(self, pool: Pool, blocks: StrataOnDisk) -> None:
        self._pool, self._blocks = pool, blocks
        self._owner: list[int] = []
        self._actors: Actors | None = None
        self._running: _Running | None = None
        self._holders: list[int] = []

    def run(self, sides: Sides32, sizes: StepSizes, random: np.random.Generator) -> None:
        """One step for every rating, as `run_epoch` takes them, in place."""
        order = random.permutation(GROUPS).tolist()
        for attempt in range(1 + AGAIN):
            try:
                running = self._running or self._begin(sides, order, sizes, None)
                assert (running.order, running.sizes) == (order, sizes)
                assert self._actors is not None
                found = self._actors.get(running.sides)
                break
            except LostWorker as lost:
                self.end()
                if attempt == AGAIN:
                    raise InputError(
                        f"{lost}; it ended {attempt + 1} times in one epoch: look for the reason "
                        "on that node, as too little memory, and start again: what is done is kept"
                    ) from None
                to_stderr(f"{lost}; the epoch is begun again")
        self._running, self._holders = None, running.holders
        self._gather(found, sides)

    def ahead(self, descent: Descent, moves: Moves) -> None:
        """Begin the next epoch, after these moves of the priors, before it is asked for."""
        random = np.random.default_rng()
        random.bit_generator.state = descent.random.bit_generator.state
        order = random.permutation(GROUPS).tolist()
        self._begin(descent.sides, order, descent.step_sizes, moves)

    def end(self) -> None:
        """Give the actors back."""
        if self._actors is not None:
            self._actors.end()
        self._actors = self._running = None

    def _begin(
        self, sides: Sides32, order: list[int], sizes: StepSizes, moves: Moves | None
    ) -> _Running:
        """Call everything of an epoch; what depends on another call waits for it by itself."""
        if self._actors is None:
            self._owner = owners(min(workers_now(self._pool), GROUPS))
            self._holders = [self._owner[(m - order[0]) % GROUPS] for m in range(GROUPS)]
            self._actors = self._made(sides)
            # These have the sides as they are now.
            moves = None
        turns, holders = plan(order, self._owner, self._holders)
        _call(self._actors, turns, sizes, moves)
        ready = [self._actors.call(k, "sides")[0] for k in range(1 + self._owner[-1])]
        self._running = _Running(order, sizes, ready, holders)
        return self._running

    def _made(self, sides: Sides32) -> Actors:
        users, movies = sides
        given = []
        for k, (first, last) in enumerate(self._users()):
            groups = {
                m: _rows(movies, self._blocks.movies_of[m])
                for m in range(GROUPS)
                if self._holders[m] == k
            }
            own = Side32(users.biases[first:last], users.vectors[first:last])
            given.append((self._blocks, first, own, groups))
        return actors(self._pool, "epochs: shard", DescentShard, given)

    def _users(self) -> list[tuple[int, int]]:
        """The first user of each actor, and the one after its last."""
        borders = np.searchsorted(self._owner, np.arange(2 + self._owner[-1]))
        return list(pairwise(self._blocks.first_users[borders].tolist()))

    def _gather(self, found: Sequence[tuple[Side32, Message]], sides: Sides32) -> None:
        """Copy what the actors have."""
        users, movies = sides
        for (first, last), (own, groups) in zip(self._users(), found, strict=True):
            users.biases[first:last], users.vectors[first:last] = own
            for group, side in groups.items():
                members = self._blocks.movies_of[group]
                movies.biases[members], movies.vectors[members] = side


def _rows(side: Side32, rows: Any) -> Side32:
    return Side32(side.biases[rows], side.vectors[rows])


def _call(shards: Actors, turns: list[Turn], sizes: StepSizes, moves: Moves | None) -> None:
    """Call the turns. A result is kept no longer than until those who take it have been called."""
    sent: dict[tuple[int, int], Any] = {}
    every: dict[int, list[tuple[int, int]]] = {}
    for turn in turns:
        every.setdefault(turn.actor, []).extend(turn.blocks)
    for number, turn in enumerate(turns):
        groups = list(turn.sends.values())
        if turn.blocks:
            taken = [sent.pop((at, turn.actor)) for at in turn.takes]
            given = ("run", turn.blocks, sizes, groups, *taken)
        else:
            given = ("begin", every.get(turn.actor, []), moves, groups)
        found = shards.call(turn.actor, *given, results=len(groups))
        sent |= {(number, to): each for to, each in zip(turn.sends, found, strict=True)}
