"""A command on a Ray cluster of this machine that is stopped from its terminal, or killed."""

import os
import pty
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

pytest.importorskip("ray")

from tests.planted import planted

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.cluster]

CTRL_C = b"\x03"
SECONDS = 240
# Each would take long, and the words are printed when the workers are at work.
COMPARE = ("compare als,svdpp --seeds 400", "[1-9] of 800 runs")
TRAIN = (
    "train mf --trainer.epochs 9000 --trainer.patience 9000 --trainer.batch_size 8",
    "training, valid RMSE",
)


@dataclass
class Terminal:
    """A command in a terminal of its own. screen: of its output, what was read so far."""

    pid: int
    screen: int
    printed: str = ""
    family: dict[int, psutil.Process] = field(default_factory=dict)

    def read_until(self, enough: Callable[[str], bool]) -> None:
        """Read on until what was printed is enough, or the command has ended."""
        begun = time.monotonic()
        while not enough(self.printed):
            assert time.monotonic() - begun < SECONDS, self.printed
            with suppress(psutil.Error):
                below = psutil.Process(self.pid).children(recursive=True)
                self.family |= {each.pid: each for each in below}
            try:
                self.printed += os.read(self.screen, 65536).decode("utf-8", "replace")
            except OSError:
                # So ends a terminal whose command has ended.
                return

    def code(self) -> int:
        """The exit code; negative for a signal."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def left(self) -> list[str]:
        """What it began and what does not end within a while."""
        _, alive = psutil.wait_procs(list(self.family.values()), timeout=30)
        return [each.name() for each in alive if each.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def terminal(words: list[str], folder: Path) -> Iterator[Terminal]:
    """Run a command in a folder."""
    pid, screen = pty.fork()
    if not pid:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "ratecast.cli", *words])
    found = Terminal(pid, screen)
    try:
        yield found
    finally:
        with suppress(psutil.Error):
            psutil.Process(pid).kill()
        os.close(screen)


@pytest.mark.parametrize(("words", "at_work"), [COMPARE, TRAIN])
@pytest.mark.parametrize("killed", [False, True])
def test_nothing_is_left_of_a_command_that_is_stopped(
    words: str, at_work: str, killed: bool, tmp_path: Path
) -> None:
    if words.startswith("train"):
        pytest.importorskip("ray.train")
    planted().frame.write_csv(tmp_path / "ratings.csv")
    given = [*words.split(), "--data", "ratings.csv", "--on", "ray", "--workers", "1"]
    with terminal(given, tmp_path) as shown:
        shown.read_until(lambda printed: re.search(at_work, printed) is not None)
        # Ray's own processes, and a worker.
        assert len(shown.family) > 3
        before = len(shown.printed)
        if killed:
            os.kill(shown.pid, signal.SIGKILL)
        else:
            os.write(shown.screen, CTRL_C)
        shown.read_until(lambda _: False)
        assert shown.code() == (-signal.SIGKILL if killed else 130)
        assert shown.left() == []
    after = shown.printed[before:]
    assert "Traceback" not in shown.printed
    if not killed:
        # The cursor, which the bar hides, is there again before the line.
        _, shows_cursor, line = after.rpartition("\x1b[?25h")
        assert shows_cursor
        assert re.sub(r"\x1b\[\d*m|\r", "", line) == "ratecast: stopped\n"
