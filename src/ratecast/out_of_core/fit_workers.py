"""What the workers of a cluster need for a fit, and how many of them it uses."""

from typing import NamedTuple

from ratecast.data.notices import Notify
from ratecast.modelling.contract.model import Model
from ratecast.out_of_core import estimates
from ratecast.out_of_core.solvers import Solver
from ratecast.workers import Pool


class FitWorkers(NamedTuple):
    """The workers of a fit; None for one on this machine."""

    workers: Pool | None
    solver: Solver
    model: Model

    @property
    def used(self) -> int:
        """How many of them have a part in the fit."""
        count = 0 if self.workers is None else self.workers.count
        return count if self.solver.most_workers is None else min(count, self.solver.most_workers)

    def begin(self, ratings: int, notify: Notify) -> None:
        """Say so where some have no part in it, and look at their memory.

        Raises `InputError` if a node has too little for any table of so many ratings.
        """
        if self.workers is not None and self.used < self.workers.count:
            notify(
                f"model {self.model.name}: its users are divided into {self.used} groups, so that "
                f"{self.used} of the {self.workers.count} workers are used"
            )

        self.require_memory(estimates.fewest_lines(ratings), f"{ratings:,} ratings")

    def require_memory(self, lines: float, about: str) -> None:
        """Raise `InputError` if a node has too little memory for its workers.

        lines: users and movies, as far as they are known. about: what is fitted, in words.
        """
        if self.workers is not None and self.solver.worker_weight is not None:
            each = self.solver.worker_weight(self.used)
            estimates.require_memory_of_workers(
                self.model, lines, each, count=self.used, about=about
            )
