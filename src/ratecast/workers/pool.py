"""A pool of workers of any place."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ratecast.workers.contract import Pool
from ratecast.workers.place import Local, Place


@contextmanager
def pool(
    place: Place, threads: int | None = None, folders: Collection[Path] = ()
) -> Iterator[Pool]:
    """The workers of a place, for the time of the block; an error in it ends what has not begun.

    threads: of each worker; by default the cores of this machine, divided; on a cluster 1.
    folders: the calls read or write them, so that every node of a cluster must have them.
    Raises `InputError` where the place cannot be had as asked.
    """
    if isinstance(place, Local):
        from ratecast.workers.local import local_pool

        with local_pool(place.jobs, threads) as workers:
            yield workers
        return
    from ratecast.workers.ray_pool import ray_pool

    with ray_pool(place, threads or 1, folders) as workers:
        yield workers
