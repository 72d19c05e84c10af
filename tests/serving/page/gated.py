"""`ratecast serve` whose model is ready only once its folder has a file `gate`."""

import sys
import time
from pathlib import Path

from ratecast.cli import main
from ratecast.serving import hot_swap
from ratecast.serving.live.served_model import ServedModel, load
from ratecast.serving.store.database import StoredEvents


def held_up(folder: Path, written: StoredEvents) -> ServedModel:
    while not (folder.parent.parent / "gate").exists():
        time.sleep(0.02)
    return load(folder, written)


if __name__ == "__main__":
    vars(hot_swap)["load"] = held_up
    sys.exit(main(sys.argv[1:]))
