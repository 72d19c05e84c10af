"""A command that kills itself before it gives so many files their names.

python -m tests.evaluation.killed WRITES BLOCKS WORDS...; BLOCKS: of users in a part.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from ratecast.cli import main
from ratecast.evaluation import list_parts


def kill_after(writes: int) -> None:
    """From now on, this process ends in place of the write after so many others."""
    left, replace = [writes], Path.replace

    def limited(self: Path, target: Any) -> Path:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(self, target)

    setattr(Path, "replace", limited)  # noqa: B010


if __name__ == "__main__":
    list_parts.BLOCKS = int(sys.argv[2])
    kill_after(int(sys.argv[1]))
    sys.exit(main(sys.argv[3:]))
