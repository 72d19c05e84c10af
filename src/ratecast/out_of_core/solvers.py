"""Which models are fitted out of core, and what each needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.models.als.model import ALS
from ratecast.models.bias import Bias
from ratecast.models.mf_bias.model import BiasedMatrixFactorization
from ratecast.out_of_core import alternation, biases, descent
from ratecast.out_of_core.table import RowTable
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.ratings import Ratings


@dataclass(frozen=True)
class Solver:
    """How a model is fitted out of core.

    disk_bytes: of the work, for each rating, at the most. floats_a_weight: bytes that the fit holds
    for each weight of a user or movie. needs_times: whether it looks at the times of train.
    """

    fit: Callable[[WorkFolder, RowTable, Any, Ratings], None]
    disk_bytes: float
    floats_a_weight: float
    needs_times: bool = False


SOLVERS: dict[type[Model], Solver] = {
    BiasedMatrixFactorization: Solver(descent.fit, 28, 32),
    ALS: Solver(alternation.fit, 28, 32),
    Bias: Solver(biases.fit, 17, 80, needs_times=True),
}
# Solvers of a model that are no kernel.
_OTHERS = ("lightning", "exact")


def solver_of(model: Model) -> Solver:
    """The solver of a model. Raises `InputError` for a model, or a setting of it, that has none."""
    # Not what is made of one of them: knn is a `Bias`, and more.
    solver, chosen = SOLVERS.get(type(model)), getattr(model, "solver", "auto")
    if solver is not None and chosen in _OTHERS:
        raise InputError(f"model {model.name}: solver {chosen} is in memory alone; leave it out")
    if solver is not None:
        return solver
    names = ", ".join(kind.name for kind in SOLVERS)
    raise InputError(f"model {model.name}: is not fitted out of core; choose one of {names}")
