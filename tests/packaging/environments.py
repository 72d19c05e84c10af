"""Empty environments, one for each Python that is found, and what is run in them."""

import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.packaging.builds import ROOT

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RUN_SECONDS = 600.0


@cache
def interpreter(version: str) -> str | None:
    """The Python of this version on the machine: of pyenv, or by its name; None without one."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    if named := shutil.which(f"python{version}"):
        found.append(named)
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    for each in found:
        done = subprocess.run([each, "-c", code], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return each
    return None


@dataclass(frozen=True)
class Environment:
    """A virtual environment in a folder, in which commands are run; nothing else is on its path."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")

    def run(self, *words: str | Path) -> str:
        """The output of a program of the environment, which must end well."""
        done = self.ran(*words)
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout

    def ran(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        program, *others = words
        return subprocess.run(
            [self.bin / program, *others],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS,
        )

    @property
    def variables(self) -> dict[str, str]:
        left_out = ("PYTHON", "MYPY", "RATECAST", "VIRTUAL_ENV")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        return kept | {"RATECAST_HOME": str(self.folder / "home")}


def made(folder: Path, python: str) -> Environment:
    """An empty environment of a Python, by uv."""
    folder.mkdir(parents=True, exist_ok=True)
    uv("venv", "--python", python, str(folder / "env"))
    return Environment(folder)


def installing(environment: Environment, *words: str) -> str:
    """What uv says of installing so, by the pins of constraints.txt."""
    # Local files that pip is told of, as a build of torch for processors without a GPU.
    local = [f"--find-links={link}" for link in os.environ.get("PIP_FIND_LINKS", "").split()]
    pins = f"--constraint={ROOT / 'constraints.txt'}"
    return uv("pip", "install", f"--python={environment.folder / 'env'}", pins, *local, *words)


def uv(*words: str) -> str:
    """What uv says, on either stream."""
    command = [sys.executable, "-m", "uv", "--no-python-downloads", "--no-config", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def write_ratings(path: Path) -> None:
    """A table of 40 users and 25 movies, fifteen ratings a user."""
    draw, at = random.Random(0), 1_600_000_000
    lines = ["user,movie,rating,at"]
    for user in range(1, 41):
        for movie in draw.sample(range(1, 26), 15):
            at += 3600
            lines.append(f"{user},{movie},{draw.randint(1, 5)},{at}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
