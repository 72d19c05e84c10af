"""How many files one must open to read a model whole."""

import ast
from pathlib import Path

import ratecast

ROOT = Path(ratecast.__file__).parent
MODEL_ROOMS = ("models", "modelling")
# A reader of a model opens the contract at its base class, and calibration not at all.
CONTRACT = "modelling/contract/"
BASE_CLASS = ROOT / CONTRACT / "model.py"
LEFT_OUT = "modelling/calibration/"


def imported(path: Path) -> set[Path]:
    """Files of the model rooms that a file imports, inside functions and for types too."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = {ROOT.parent / f"{module.replace('.', '/')}.py" for module in modules}
    return {file for file in files if file.exists() and _room(file) in MODEL_ROOMS}


def _room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def to_read(start: Path) -> set[Path]:
    """The file and all that it imports, directly or not."""
    files, waiting = set(), [start]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(LEFT_OUT) or path in files:
            continue
        if name.startswith(CONTRACT):
            files.add(BASE_CLASS)
            continue
        files.add(path)
        waiting += imported(path)
    return files


def test_matrix_factorization_is_read_in_at_most_twelve_files() -> None:
    files = to_read(ROOT / "models" / "mf" / "model.py")
    assert ROOT / "models" / "mf" / "net.py" in files
    assert BASE_CLASS in files
    names = sorted(path.relative_to(ROOT).as_posix() for path in files)
    assert len(names) <= 12, names
