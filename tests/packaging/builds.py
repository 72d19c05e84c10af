"""Wheel and sdist, built from a copy of what is committed, with files beside it that stay out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Seconds since 1970; an even number, as the ZIP format counts in twos.
BUILT_AT = 1_800_000_000
_FILES = (
    *(".gitignore", "CHANGELOG.md", "CITATION.cff", "LICENSE", "README.md", "constraints.txt"),
    *("pyproject.toml", "results/reproduce.json"),
)
_FOLDERS = ("src", "configs", "requirements")
# What runs and tests leave behind, and what is no part of the package.
LEFT_BEHIND = (
    "src/ratecast/__pycache__/ids.cpython-311.pyc",
    "src/ratecast/modelling/__pycache__/kernel.f-1.py311.nbi",
    "src/ratecast/modelling/__pycache__/kernel.f-1.py311.1.nbc",
    "tests/test_ids.py",
    "lightning_logs/bias/version_0/artifact/manifest.json",
    ".mypy_cache/3.11/ids.data.json",
    "findings/notes.md",
)


def copied(folder: Path, mode: int = 0o644) -> Path:
    """The project in a new folder, with what is left behind beside it; mode: of its files."""
    for name in _FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored, copy_function=shutil.copyfile)
    for name in _FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    for name in LEFT_BEHIND:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("left behind\n", "utf-8")
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(mode)
    return folder


def built(project: Path, out: Path, *which: str) -> dict[str, Path]:
    """Build; `wheel` and `sdist` to their files. which: by default the sdist, and a wheel of it."""
    words = [sys.executable, "-m", "build", "--no-isolation", f"--outdir={out}", *which]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(BUILT_AT)}
    done = subprocess.run(
        [*words, str(project)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {"wheel": next(out.glob("*.whl")), "sdist": next(out.glob("*.tar.gz"))}
