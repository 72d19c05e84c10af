"""The rooms of the package: sizes, imports and names, read from the source.

How many files one must open to read a model whole, too.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import ratecast
from ratecast.models import MODELS, model_class

ROOT = Path(ratecast.__file__).parent
CONFIGS = Path(__file__).parent.parent / "configs"
MODULE_LINES, FUNCTION_LINES, POSITIONAL = 300, 40, 5
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


@cache
def modules() -> list[tuple[str, str, ast.Module]]:
    """Path below the package, text and tree of every module."""
    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in files()}
    return [(name, text, ast.parse(text)) for name, text in sorted(texts.items())]


def files() -> Iterator[Path]:
    return ROOT.rglob("*.py")


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function, with the path and name that a message shows."""
    for name, _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}:{node.name}", node


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` on, without the docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1)


def _positional(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Parameters that can be given by position, without the object or class itself."""
    names = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def _imports_from_above(name: str, tree: ast.Module) -> list[str]:
    """Names that are no modules and come from the __init__ of a package around the module."""
    package = ("ratecast", *Path(name).parent.parts)
    around = {".".join(package[:depth]) for depth in range(1, len(package) + 1)}
    if Path(name).name == "__init__.py":
        around.discard(".".join(package))
    return [
        f"{name}: {alias.name} from {node.module}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in around
        for alias in node.names
        if not _is_module(f"{node.module}.{alias.name}")
    ]


def _is_module(dotted: str) -> bool:
    path = ROOT.parent / dotted.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def test_modules_and_functions_stay_short() -> None:
    long = [name for name, text, _ in modules() if len(text.splitlines()) > MODULE_LINES]
    long += [name for name, node in functions() if _length(node) > FUNCTION_LINES]
    assert long == []


def test_functions_take_few_positional_parameters() -> None:
    assert [name for name, node in functions() if _positional(node) > POSITIONAL] == []


def test_no_module_imports_a_name_from_a_package_around_it() -> None:
    assert [line for name, _, tree in modules() for line in _imports_from_above(name, tree)] == []


@pytest.mark.parametrize("key", MODELS)
def test_a_model_has_one_name(key: str) -> None:
    module = MODELS[key].partition(":")[0]
    assert module in (f"ratecast.models.{key}", f"ratecast.models.{key}.model")
    assert model_class(key).name == key
    assert (CONFIGS / f"{key}.yaml").exists()
