"""A worker that ends in its work, once."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratecast.out_of_core.alternation import SolveRows


@dataclass(frozen=True)
class Dying(SolveRows):
    """Kills its process where the file is not there yet."""

    mark: Path = Path()

    def __call__(self, *words: Any) -> Any:
        if not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(*words)
