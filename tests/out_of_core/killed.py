"""A fit that kills itself after so many writes.

python -m tests.out_of_core.killed MODEL PARTS WORK WRITES
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from ratecast.out_of_core import checkpoint, columns, strata, work_folder
from ratecast.out_of_core.fit import fit_out_of_core
from tests.out_of_core.tables import MODELS, SHARE

WRITERS = (
    (columns, "write_all"),
    (checkpoint, "write_all"),
    (strata, "write_all"),
    (checkpoint, "write_text"),
    (work_folder, "write_text"),
)


def kill_after(writes: int) -> None:
    """From now on, the write after so many others does not return."""
    left = [writes]

    def limited(write: Any) -> Any:
        def one(*words: Any) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            write(*words)

        return one

    for module, name in WRITERS:
        setattr(module, name, limited(getattr(module, name)))


if __name__ == "__main__":
    model, parts, work, writes = sys.argv[1:]
    kill_after(int(writes))
    fit_out_of_core(MODELS[model](), Path(parts), Path(work), valid=SHARE)
