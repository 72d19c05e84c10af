"""Which models are fitted out of core, and what each needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.modelling.kernels.loops import thread_count
from ratecast.models.als.model import ALS
from ratecast.models.bias import Bias
from ratecast.models.mf_bias.model import BiasedMatrixFactorization
from ratecast.models.mf_bias.stratified_sgd import GROUPS
from ratecast.out_of_core import alternation, biases, descent
from ratecast.out_of_core.table import RowTable
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.ratings import Ratings
from ratecast.workers import Pool, Ray


@dataclass(frozen=True)
class Solver:
    """How a model is fitted out of core.

    fit: the last argument are the workers, None for the threads of this process. disk_bytes: of the
    work, for each rating, at the most. floats_a_weight: bytes that the fit holds for each weight of
    a user or movie. needs_times: whether it looks at the times of train. worker_weight: bytes that
    each of so many workers of a cluster holds for such a weight; None: it runs on one machine.
    most_workers: that it can use; None: any number.
    """

    fit: Callable[[WorkFolder, RowTable, Any, Ratings, Pool | None], None]
    disk_bytes: float
    floats_a_weight: float
    needs_times: bool = False
    worker_weight: Callable[[int], float] | None = None
    most_workers: int | None = None


SOLVERS: dict[type[Model], Solver] = {
    # A share of the users, and messages.
    BiasedMatrixFactorization: Solver(
        descent.fit, 28, 32, worker_weight=lambda count: 8 / count, most_workers=GROUPS
    ),
    # The side that stands still, now and before.
    ALS: Solver(alternation.fit, 28, 32, worker_weight=lambda _: 4),
    Bias: Solver(biases.fit, 17, 80, needs_times=True),
}
# Solvers of a model that are no kernel.
_OTHERS = ("lightning", "exact")


def solver_of(model: Model, on: Ray | None = None) -> Solver:
    """The solver of a model. Raises `InputError` for a model, or a setting of it, that has none.

    on: the cluster that it is to run on.
    """
    # Not what is made of one of them: knn is a `Bias`, and more.
    solver, chosen = SOLVERS.get(type(model)), getattr(model, "solver", "auto")
    if solver is not None and chosen in _OTHERS:
        raise InputError(f"model {model.name}: solver {chosen} is in memory alone; leave it out")
    if solver is not None and on is not None and solver.worker_weight is None:
        names = ", ".join(kind.name for kind, each in SOLVERS.items() if each.worker_weight)
        raise InputError(
            f"model {model.name}: is fitted on one machine alone; leave the cluster (--on ray) "
            f"out, or choose one of {names}"
        )
    if solver is not None:
        return solver
    names = ", ".join(kind.name for kind in SOLVERS)
    raise InputError(f"model {model.name}: is not fitted out of core; choose one of {names}")


def import_loops() -> None:
    """Import what every worker needs, this module and numba, which take longest."""
    thread_count()
