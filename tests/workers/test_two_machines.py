"""The recipe of docs/cluster.md for two machines, which are two namespaces here."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

pytest.importorskip("ray")

import ratecast as rc
from ratecast.parted_table import read_parts
from tests.planted import planted

pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.cluster]

ROOT = Path(__file__).parents[2]
HEAD, OTHER = "10.0.0.7", "10.0.0.8"
# Processes, mounts and network of its own, so that all of it ends with the first process.
ALONE = ("unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")
SECONDS = 180


@dataclass(frozen=True)
class Machine:
    """One of the two. pid: of its first process. home: of the user."""

    pid: int
    home: Path

    def run(self, words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run shell commands there, in the root of the checkout."""
        space = "--net", "--pid", "--mount", f"--wd={ROOT}"
        enter = "nsenter", "--target", str(self.pid), *space, "bash", "-ec"
        scripts = Path(sys.executable).parent
        # Ray's token is that of the machine, not of this one.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        env = kept | {"HOME": str(self.home), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run(
            [*enter, words], env=env, input=given, capture_output=True, text=True,
            check=False, timeout=SECONDS,
        )  # fmt: skip

    def working(self) -> set[str]:
        """The names of the programs that run there."""
        below = psutil.Process(self.pid).children(recursive=True)
        return {each.name() for each in below if each.status() != psutil.STATUS_ZOMBIE}

    def done(self, words: str, given: str = "") -> str:
        """The same; what it printed, after it ended well."""
        ran = self.run(words, given)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@contextmanager
def machine(home: Path) -> Iterator[Machine]:
    """Start one; skips where that is not allowed."""
    home.mkdir()
    Path("/tmp/ray").mkdir(exist_ok=True)
    # Ray keeps there which cluster is that of this machine.
    first = "mount -t tmpfs ray /tmp/ray && ip link set lo up && echo ready && exec sleep infinity"
    with subprocess.Popen(
        [*ALONE, "sh", "-c", first], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stderr is not None
        try:
            if holder.stdout.readline() != "ready\n":
                pytest.skip(f"no namespaces here: {holder.stderr.read().strip()}")
            (own,) = psutil.Process(holder.pid).children()
            yield Machine(own.pid, home)
        finally:
            holder.kill()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two that reach each other, and nothing else."""
    for program in ("unshare", "nsenter", "ip"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    with ExitStack() as stack:
        both = tuple(stack.enter_context(machine(tmp_path / name)) for name in ("head", "other"))
        ends = [f"netns {each.pid}" for each in both]
        link = f"ip link add ratecast0 {ends[0]} type veth peer name ratecast0 {ends[1]}"
        made = subprocess.run(link.split(), check=False, capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"no network between namespaces: {made.stderr.strip()}")
        for each, address in zip(both, (HEAD, OTHER), strict=True):
            each.done(f"ip addr add {address}/24 dev ratecast0 && ip link set ratecast0 up")
        yield both[0], both[1]


def recipe(folder: Path) -> list[str]:
    """The commands of the page, by the place where they run. folder: that both machines have."""
    page = (ROOT / "docs" / "cluster.md").read_text("utf-8")
    section = page.partition("### Two machines\n")[2].partition("\n### ")[0]
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    assert lines[0].startswith("# on the head")
    text = "\n".join(lines).replace("/net/", f"{folder}/")
    return re.split(r"^# on .*\n", text, flags=re.M)[1:]


def test_the_recipe_for_two_machines_works(
    machines: tuple[Machine, Machine], tmp_path: Path
) -> None:
    head, other = machines
    ratings = planted()
    rc.ALS(factors=2).fit(ratings).save(tmp_path / "als")
    start, join, work, end = recipe(tmp_path)

    printed = head.done(start)
    assert f"join {HEAD}:6379" in printed
    assert f"--address {HEAD}:6379" in printed
    token = head.done("RAY_AUTH_MODE=token ray get-auth-token")
    other.done(join, given=token)

    begun = time.monotonic()
    refused = head.run(work.replace("export RAY_AUTH_MODE=token", ""))
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"ratecast: ray: {HEAD}:6379 asks for a token; set RAY_AUTH_MODE=token")
    assert time.monotonic() - begun < 90

    # More workers than one machine has cores.
    cores = os.cpu_count() or 1
    head.done(f"{work.rstrip()} --workers {cores + 1}")
    lists = read_parts(tmp_path / "lists").collect()
    assert lists["user"].n_unique() == ratings.frame["user"].n_unique()

    for each in machines:
        assert "raylet" in each.working()
        each.done(end)
        assert "raylet" not in each.working()
