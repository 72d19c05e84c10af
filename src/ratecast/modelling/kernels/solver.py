"""Which way a model is fitted that has two: exactly or by a trainer, or by a kernel."""

AUTO = "auto"
MANY = 1_000_000


def takes(solver: str, kernel: str, rows: int) -> bool:
    """Whether `kernel` fits so many ratings: where it is asked for, or `auto` and they are many."""
    return solver == kernel or (solver == AUTO and rows >= MANY)
