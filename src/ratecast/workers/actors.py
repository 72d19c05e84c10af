"""Values that stay in a worker each, and change there by calls of their methods."""

from collections.abc import Callable, Sequence
from typing import Any

from ratecast.workers.contract import Actors, Pool


def actors(
    pool: Pool, label: str, make: Callable[..., Any], given: Sequence[tuple[Any, ...]]
) -> Actors:
    """The values make(*given[0]), make(*given[1]), ...

    label: what messages call one of them. On a cluster each is in a process with a core of its own;
    else all are in this process, and a call is done when it is made.
    """
    from ratecast.workers.ray_pool import RayPool

    if isinstance(pool, RayPool):
        from ratecast.workers.ray_actors import RayActors

        return RayActors(label, make, given)
    return _Own([make(*each) for each in given])


def workers_now(pool: Pool) -> int:
    """How many workers of a pool there are, where nodes may have ended meanwhile; 1 or more."""
    from ratecast.workers.ray_pool import RayPool

    if not isinstance(pool, RayPool):
        return pool.count
    from ratecast.workers.ray_cluster import cores

    return max(min(pool.count, cores() // pool.threads), 1)


class _Own:
    """Of this process."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def call(self, number: int, method: str, *given: Any, results: int = 1) -> list[Any]:
        """See `Actors`."""
        found = getattr(self._values[number], method)(*given)
        return [found] if results == 1 else list(found or ())

    def get(self, results: Sequence[Any]) -> list[Any]:
        """See `Actors`."""
        return list(results)

    def end(self) -> None:
        """See `Actors`."""
        self._values = []
