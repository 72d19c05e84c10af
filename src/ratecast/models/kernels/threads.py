"""When a kernel may go to all threads."""

from threading import current_thread, main_thread

MANY = 1 << 12


def side_by_side(rows: int) -> bool:
    """Whether work on so many rows may go to all threads; the bits are the same.

    For few rows, waking threads costs more than they save. Outside the main thread never: numba's
    own pool serves one caller at a time, and a service makes a model ready beside its answers.
    """
    return rows >= MANY and current_thread() is main_thread()
