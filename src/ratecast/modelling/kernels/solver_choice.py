"""Choice of the solver of a model that has two: exact or by a trainer, or by a kernel."""

AUTO = "auto"
MANY = 1_000_000


def uses(kernel: str, solver: str, rows: int) -> bool:
    """Whether a fit of `rows` ratings uses `kernel`: by name, or for many rows with `auto`."""
    return solver == kernel or (solver == AUTO and rows >= MANY)
