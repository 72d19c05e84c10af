"""Which way a model is fitted that has two: exactly or by a trainer, or by a kernel."""

from collections.abc import Sequence

from ratecast.errors import InputError

AUTO = "auto"
MANY = 1_000_000


def refuse_unknown(solver: str, choices: Sequence[str]) -> None:
    """Raise `InputError` where `solver` is not one of them."""
    if solver not in choices:
        raise InputError(f"model.solver is {solver!r}; choose one of {', '.join(choices)}")


def takes(solver: str, kernel: str, rows: int) -> bool:
    """Whether `kernel` fits so many ratings: where it is asked for, or `auto` and they are many."""
    return solver == kernel or (solver == AUTO and rows >= MANY)
