"""A fit that kills itself after so many writes.

python -m tests.out_of_core.killed MODEL PARTS WORK WRITES [ADDRESS of a Ray cluster]
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ratecast.out_of_core import checkpoint, columns, strata, work_folder
from ratecast.out_of_core.fit import fit_out_of_core
from ratecast.workers import Ray
from tests.out_of_core.tables import MODELS, SHARE

WRITERS = (
    (columns, "write_all"),
    (checkpoint, "write_all"),
    (strata, "write_all"),
    (checkpoint, "write_text"),
    (work_folder, "write_text"),
)


def limit_writes(writes: int, put: Callable[[Any, str, Any], None], end: Any) -> None:
    """From now on, `end` is called in place of the write after so many others.

    put: puts a function into a module, under a name.
    """
    left = [writes]

    def limited(write: Any) -> Any:
        def one(*words: Any) -> None:
            left[0] -= 1
            if left[0] < 0:
                end()
            write(*words)

        return one

    for module, name in WRITERS:
        put(module, name, limited(getattr(module, name)))


def kill() -> None:
    """This process, at once."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    model, parts, work, number, *addresses = sys.argv[1:]
    on = Ray(workers=2, address=addresses[0]) if addresses else None
    limit_writes(int(number), setattr, kill)
    fit_out_of_core(MODELS[model](), Path(parts), Path(work), valid=SHARE, on=on)
