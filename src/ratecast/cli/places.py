"""The options that say where work runs: one set, for every verb whose work can be divided."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ratecast.errors import InputError

if TYPE_CHECKING:
    from ratecast.workers import Place


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """Where the work runs.

    Args:
        on: local, in processes of this machine, or ray, on a Ray cluster (see docs/cluster.md); the
            result is the same to the bit.
        workers: how many work at a time, each in a process; default: one on this machine, and one
            for each core of a cluster.
        address: of the head of a Ray cluster, as in 10.0.0.7:6379, or auto on one of its machines;
            without it --on ray starts a cluster of this machine, for this command alone.
    """

    on: Literal["local", "ray"] = "local"
    workers: int | None = None
    address: str | None = None

    @property
    def given(self) -> bool:
        """Whether anything else was asked for than one process of this machine."""
        return self.on == "ray" or (self.workers or 1) > 1

    def place(self, verb: str, jobs: int | None = None, usual: int = 1) -> "Place":
        """The place. jobs: another word for the workers, of verbs that have it.

        usual: how many workers the verb has on this machine where none are given.
        """
        from ratecast.workers import Local, Ray, possible

        if jobs is not None and self.workers is not None:
            raise InputError(f"{verb}: --jobs and --workers are the same; give one of them")
        workers, option = (self.workers, "workers") if jobs is None else (jobs, "jobs")
        if workers is not None and workers < 1:
            raise InputError(f"{verb}: --{option} is {workers}; give a whole number, 1 or more")
        if self.on == "ray":
            return possible(Ray(workers=workers, address=self.address))
        if self.address is not None:
            raise InputError(f"{verb}: --address is of --on ray; add that, or leave it out")
        return Local(jobs=workers or usual)


HERE = PlaceOptions()
