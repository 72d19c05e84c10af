"""Of the processes that run tests side by side, one compiles a kernel; the others load it."""

import fcntl
import hashlib
import tempfile
from pathlib import Path
from typing import Any

from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher


def install() -> None:
    """Let a process wait while another one compiles the same function.

    numba looks into its cache when it holds no lock of other processes: those that need a kernel at
    once compile it all, and of their entries in its index the last one stays.
    """
    folder = Path(tempfile.gettempdir()) / "ratecast-compiling"
    folder.mkdir(exist_ok=True)
    compiled = Dispatcher.compile

    def alone(self: Any, sig: Any) -> Any:
        function = self.py_func
        if not function.__module__.startswith("ratecast."):
            return compiled(self, sig)
        place = f"{function.__code__.co_filename}:{function.__qualname__}"
        lock = folder / hashlib.sha256(place.encode()).hexdigest()[:24]
        # The threads of a process queue up before numba's own lock, in the order that it takes.
        with global_compiler_lock, lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            return compiled(self, sig)

    setattr(Dispatcher, "compile", alone)  # noqa: B010  # mypy refuses to assign a method
