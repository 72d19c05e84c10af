"""The stages of a fit are timed by the names of functions: each must exist."""

import ast
from pathlib import Path

import pytest

import ratecast
from benchmarks.stages import STAGES

ROOT = Path(ratecast.__file__).parent


@pytest.mark.parametrize(("file", "function"), STAGES)
def test_the_function_of_a_stage_exists(file: str, function: str) -> None:
    trees = [ast.parse(path.read_text("utf-8")) for path in ROOT.rglob(file)]
    names = {
        node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    }
    assert function in names
