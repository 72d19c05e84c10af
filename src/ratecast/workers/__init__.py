"""Where work runs: here, in processes of this machine, or on a Ray cluster.

Work is cut into calls that know nothing of the place: pure functions that can be imported, of plain
arguments. So every place gives the same bits.
"""

from ratecast.workers.computed import Labelled, computed, gathered, in_order
from ratecast.workers.contract import Pool, Served, Shared
from ratecast.workers.place import LOCAL, Local, Place, Ray
from ratecast.workers.pool import pool
from ratecast.workers.possible import place_of, possible

__all__ = [
    "LOCAL",
    "Labelled",
    "Local",
    "Place",
    "Pool",
    "Ray",
    "Served",
    "Shared",
    "computed",
    "gathered",
    "in_order",
    "place_of",
    "pool",
    "possible",
]
