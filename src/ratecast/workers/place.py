"""The places where work can run."""

from dataclasses import dataclass

from ratecast.errors import InputError


def _check_count(name: str, count: object) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InputError(f"{name} is {count!r}; give a whole number, 1 or more")


@dataclass(frozen=True, kw_only=True)
class Local:
    """The machine at hand. jobs: processes, which share its cores; with one, the calling one."""

    jobs: int = 1

    def __post_init__(self) -> None:
        _check_count("jobs", self.jobs)


@dataclass(frozen=True, kw_only=True)
class Ray:
    """A Ray cluster.

    workers: calls at a time, each on one core; None: one for each core of the cluster. address: of
    the head node, as in 10.0.0.7:6379, or auto for the cluster that this machine is a node of;
    without it a cluster of this machine is started, and ended with the work. Needs the extra `ray`.

    >>> import ratecast as rc
    >>> rc.Ray(workers=2)
    Ray(workers=2, address=None)
    """

    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None:
            _check_count("workers", self.workers)


Place = Local | Ray
LOCAL = Local()
