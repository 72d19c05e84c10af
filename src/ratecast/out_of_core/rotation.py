"""Which actor takes which block of an epoch when, and what it gives to which other one.

An actor has neighbouring groups of users for good; the groups of movies go from actor to actor, so
that every group of either side has its blocks in the order of `run_epoch`, and so the same bits.
Reference: Gemulla, Nijkamp, Haas, Sismanis 2011, "Large-scale matrix factorization with distributed
stochastic gradient descent", section 5 (strata, each a barrier).
Differs: no barrier. An actor takes a stratum in two turns, first blocks whose movies it has or
gets early; meanwhile the others are on their way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ratecast.models.mf_bias.stratified_sgd import GROUPS
from ratecast.out_of_core.strata import Block


def owners(actors: int) -> list[int]:
    """The actor of each group of users: neighbours, nearly as many for each; 1 to GROUPS actors."""
    return [group * actors // GROUPS for group in range(GROUPS)]


@dataclass
class Turn:
    """What an actor does at once. blocks: in order. takes: turns of others that send to it first.

    sends: groups of movies that it gives away afterwards, by the actor that gets them. early: it is
    the first of a stratum.
    """

    actor: int
    blocks: list[Block]
    takes: list[int]
    early: bool = True
    sends: dict[int, list[int]] = field(default_factory=dict)


def plan(
    order: Sequence[int], owner: Sequence[int], holders: Sequence[int]
) -> tuple[list[Turn], list[int]]:
    """The turns of an epoch, each after those that it takes from, and who has which movies then.

    order: the strata. owner: of each group of users. holders: the actor that has each group of
    movies before; the first turn of each actor has no blocks, and sends those that others need.
    """
    met = [[(movies - stratum) % GROUPS for movies in range(GROUPS)] for stratum in order]
    # The actor that needs each group of movies in each stratum; afterwards they stay.
    needed = [[owner[user] for user in users] for users in met]
    needed.append(needed[-1])
    begun = [Turn(actor, [], []) for actor in range(max(owner) + 1)]
    planned = _Planned(begun, [None] * GROUPS)
    planned.send([(holders[m], m) for m in range(GROUPS)], needed[0])
    for k, users in enumerate(met):
        planned.stratum(users, needed[k], needed[k + 1])
    return planned.turns, needed[-1]


@dataclass
class _Planned:
    """The turns so far. sender: the turn that sends each group of movies; None: it is there."""

    turns: list[Turn]
    sender: list[int | None]

    def send(self, had: Sequence[tuple[int, int]], needed: Sequence[int]) -> None:
        """Let turns send groups of movies to the actors that need them. had: turn, movies."""
        for number, movies in had:
            turn, to = self.turns[number], needed[movies]
            self.sender[movies] = None if to == turn.actor else number
            if to != turn.actor:
                turn.sends.setdefault(to, []).append(movies)

    def stratum(
        self, users: Sequence[int], needed: Sequence[int], following: Sequence[int]
    ) -> None:
        """Add the turns of a stratum. users: the group that each group of movies meets."""
        actors, halves = range(max(needed) + 1), list[list[list[int]]]()
        for actor in actors:
            own = [m for m in range(GROUPS) if needed[m] == actor]
            first = self._first_half(own, [following[m] != actor for m in range(GROUPS)])
            halves.append([first, [m for m in own if m not in first]])
        before, had = len(self.turns), list[tuple[int, int]]()
        for early in (True, False):
            for actor in actors:
                movies = halves[actor][0 if early else 1]
                if movies:
                    had += [(len(self.turns), m) for m in movies]
                    takes = self._takes(actor, movies, before)
                    blocks = [(users[m], m) for m in movies]
                    self.turns.append(Turn(actor, blocks, takes, early))
        self.send(had, following)

    def _first_half(self, movies: list[int], leaves: Sequence[bool]) -> list[int]:
        """Up to half of these groups, of those that are there early; first those that leave."""
        there = []
        for m in movies:
            sender = self.sender[m]
            if sender is None or self.turns[sender].early:
                there.append(m)
        return sorted(there, key=lambda m: not leaves[m])[: -(-len(movies) // 2)]

    def _takes(self, actor: int, movies: list[int], stratum: int) -> list[int]:
        """The turns whose messages bring these; one that brings others too is taken once."""
        taken = {at for turn in self.turns[stratum:] if turn.actor == actor for at in turn.takes}
        return sorted({at for m in movies if (at := self.sender[m]) is not None} - taken)
