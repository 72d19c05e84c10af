"""What a fit on a cluster takes: a simulation of its turns, from the costs of a core and a message.

The costs are those of the part `cluster` of the results; a test compares the simulation with what
was measured there on one and two workers.
"""

from dataclasses import dataclass, replace
from math import ceil

from benchmarks.records import Record
from ratecast.models.mf_bias.stratified_sgd import GROUPS
from ratecast.out_of_core.grouping import ROWS
from ratecast.out_of_core.rotation import Turn, owners, plan

_FLOAT = 4


@dataclass(frozen=True)
class Size:
    """A table and the width of a model."""

    ratings: float
    users: float
    movies: float
    factors: int

    @property
    def row_bytes(self) -> int:
        """Of one user or movie: its vector and its bias."""
        return _FLOAT * (1 + self.factors)

    @property
    def bytes(self) -> float:
        """Of all vectors and biases."""
        return (self.users + self.movies) * self.row_bytes


@dataclass(frozen=True)
class Costs:
    """Of one core, and of the network.

    sgd, solve: seconds for a rating, of a step of descent and of half an iteration of als. turn: of
    an actor, beside its ratings; call: of a task, beside its ratings. gather: for each byte of the
    factors, what the driver itself does once an epoch or half an iteration. network: for each byte
    from one node to another. copy: for each byte, of who sends it and of who takes it.
    """

    sgd: float
    solve: float
    turn: float
    call: float
    gather: float
    network: float = 0.0
    copy: float = 0.0


# Assumed, and small beside the ratings: of a turn and of a task, what Ray takes to begin it; what
# the driver does with a byte of factors.
TURN, CALL, GATHER = 0.002, 0.005, 1e-9


def costs_of(one: Record, kind: str, copy: float) -> Costs:
    """The costs by which one worker takes what it was measured to take. kind: mf_bias or als."""
    size, seconds = Size(**one["size"]), one["seconds"]["each"]
    rest = Costs(0.0, 0.0, TURN, CALL, GATHER)
    simulate = SIMULATED[kind]
    each = (seconds - simulate(size, rest, 1)) / size.ratings
    return Costs(each, each, TURN, CALL, GATHER, copy=copy)


def epoch_seconds(size: Size, costs: Costs, workers: int) -> float:
    """An epoch of mf_bias: its turns as the actors take them, and then the driver's part."""
    order = range(GROUPS)
    turns, _ = plan(order, owners(workers), _holders(workers))
    return max(_ends(turns, size, costs)) + size.bytes * (costs.gather + costs.network)


def _holders(workers: int) -> list[int]:
    """Who has each group of movies before an epoch, as after one."""
    return plan(range(GROUPS), owners(workers), owners(workers))[1]


def _ends(turns: list[Turn], size: Size, costs: Costs) -> list[float]:
    """When each turn ends: its actor must be free, and what it takes must have arrived."""
    block = size.ratings / GROUPS**2 * costs.sgd
    held = size.movies / GROUPS * size.row_bytes
    group = held * costs.network
    ends, free = list[float](), dict[int, float]()
    for turn in turns:
        arrived = [ends[at] + group * len(turns[at].sends.get(turn.actor, [])) for at in turn.takes]
        start = max([free.get(turn.actor, 0.0), *arrived])
        taken = sum(len(turns[at].sends[turn.actor]) for at in turn.takes)
        moved = (sum(map(len, turn.sends.values())) + taken) * held * costs.copy
        spent = costs.turn + block * len(turn.blocks) + moved if turn.blocks or moved else 0.0
        ends.append(start + spent)
        free[turn.actor] = ends[-1]
    return ends


def half_seconds(size: Size, costs: Costs, workers: int) -> float:
    """Half an iteration of als: equal runs of rows, as many at a time as there are workers."""
    runs = max(1, ceil(size.ratings / ROWS))
    each = size.ratings / runs * costs.solve + costs.call
    side = size.bytes / 2
    # The side that stands still goes to each node, and the other comes back.
    return ceil(runs / workers) * each + side * (costs.gather + 2 * costs.network)


def worker_bytes(size: Size, workers: int) -> float:
    """What a worker of mf_bias holds: users, twice its movies, and blocks that are read ahead."""
    users, movies = size.users / workers * size.row_bytes, size.movies * size.row_bytes
    blocks = 4 * size.ratings / GROUPS**2 * 12
    return users + 2 * movies / min(workers, GROUPS) + blocks


def network_bytes(size: Size, workers: int) -> float:
    """What goes from one worker to another in an epoch of mf_bias, and to the driver and back."""
    turns, _ = plan(range(GROUPS), owners(workers), _holders(workers))
    sent = sum(len(groups) for turn in turns for groups in turn.sends.values())
    return sent * size.movies / GROUPS * size.row_bytes + size.bytes


def is_confirmed(simulated: float, measured: float) -> bool:
    """Whether the simulation is near enough to say something of other clusters."""
    return abs(simulated / measured - 1) <= NEAR


def copy_cost(rows: list[Record]) -> float:
    """Seconds for a byte of who sends it, and of who takes it: each half of a message's."""
    (found,) = (row for row in rows if (row["work"], row["place"]) == ("messages", "two workers"))
    return float(found["seconds"]["each"]) / 100e6 / 2


SIMULATED = {"mf_bias": epoch_seconds, "als": half_seconds}
# Ten billion ratings of a hundred million users, on a network of 10 Gbit/s.
LARGE, NETWORK = Size(1e10, 1e8, 1e6, 32), 8 / 10e9
LARGE_WORKERS = (1, 4, 16)
# By how much a simulation may differ from what was measured.
NEAR = 0.2


def lines(rows: list[Record]) -> list[str]:
    """The simulation beside what was measured, and for a table that no machine here has."""
    found = {(row["work"], row["place"]): row for row in rows}
    text = ["| simulated | 2 workers: s | measured | of 1e10 ratings: s on 1 | 4 | 16 workers |"]
    text += ["| --- |" + " ---: |" * 5]
    for kind, simulate in SIMULATED.items():
        one, two = (found[kind, place] for place in ("one worker", "two workers"))
        costs = costs_of(one, kind, copy_cost(rows))
        here = simulate(Size(**one["size"]), costs, 2)
        # A step takes as many operations as there are factors.
        share = LARGE.factors / one["size"]["factors"]
        far = replace(costs, sgd=costs.sgd * share, solve=costs.solve * share, network=NETWORK)
        measured = two["seconds"]["each"]
        there = [f"{simulate(LARGE, far, workers):,.0f}" for workers in LARGE_WORKERS]
        if not is_confirmed(here, measured):
            there = ["not confirmed"] * len(LARGE_WORKERS)
        text.append(f"| {kind} | {here:.2f} | {measured:.2f} | {' | '.join(there)} |")
    held = ", ".join(f"{worker_bytes(LARGE, w) / 1e9:.1f} on {w}" for w in LARGE_WORKERS)
    sent = network_bytes(LARGE, LARGE_WORKERS[-1]) / 1e9
    return [
        *text, "",
        f"Of 1e10 ratings, 1e8 users, 1e6 movies and 32 factors, at 10 Gbit/s: a worker of "
        f"`mf_bias` holds {held} GB, the driver {2 * LARGE.bytes / 1e9:.0f} GB (the factors, and "
        f"those of a checkpoint); {sent:.0f} GB go over the network in an epoch of 16 workers.",
    ]  # fmt: skip
