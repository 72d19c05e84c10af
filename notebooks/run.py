"""Executes the notebooks.

python notebooks/run.py [--short] [--out FOLDER] [NAME ...]

The source of each is its .py file, in jupytext's percent format; the .ipynb beside it, or in
FOLDER, is written anew with the outputs. --short shrinks tables, epochs and models, as tests do.
A cell that fails, or that warns, fails the run, and nothing is written.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

from ratecast.atomic_write import write_text

HERE = Path(__file__).parent
SHORT = "RATECAST_SHORT"
PATIENCE = 900
# In a short run `data.load` gives the earlier ratings only, in their order in the file.
EARLIER = """
from ratecast import data

_all = data.load


def _earlier(*words, **options):
    table = _all(*words, **options)
    at = table.frame["at"]
    return table.take((at <= at.quantile(0.3)).to_numpy())


data.load = _earlier
"""
METADATA = {
    "jupytext": {"formats": "ipynb,py:percent"},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def sources() -> list[Path]:
    """The notebooks' .py files, in order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def executed(source: Path, short: bool = False) -> Any:
    """The notebook of a .py file with its outputs. Raises where a cell fails or warns."""
    book = jupytext.read(source)
    book.metadata = nbformat.from_dict(METADATA)
    os.environ[SHORT] = "1" if short else ""
    # Bars that move, and colours for a terminal, are no part of a page.
    os.environ |= {"TQDM_DISABLE": "1", "NO_COLOR": "1", "PYTHONHASHSEED": "0"}
    client = NotebookClient(
        book,
        timeout=PATIENCE,
        record_timing=False,
        resources={"metadata": {"path": str(HERE)}},
        extra_arguments=["--log-level=ERROR"],
    )
    if short:
        book.cells.insert(0, nbformat.v4.new_code_cell(EARLIER))
    client.execute()
    if short:
        del book.cells[0]
    for number, cell in enumerate(book.cells):
        cell.id = f"cell-{number}"
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise RuntimeError(f"{source.name}, cell {number} warns: {output['text']}")
    return book


def write(book: Any, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    write_text(path, nbformat.writes(book) + "\n")


def main(words: list[str]) -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("names", nargs="*", help="parts of names; without, all")
    asked = parser.parse_args(words)
    for source in sources():
        if asked.names and not any(name in source.name for name in asked.names):
            continue
        start = time.perf_counter()
        write(executed(source, asked.short), asked.out / f"{source.stem}.ipynb")
        print(f"{source.stem}: {time.perf_counter() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
