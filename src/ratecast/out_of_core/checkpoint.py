"""Checkpoints of a fit: the arrays after a step, whole or not at all, so that a kill mixes none."""

import json
import shutil
from collections.abc import Mapping
from typing import Any

import numpy as np

from ratecast.atomic_write import write_text
from ratecast.errors import InputError
from ratecast.out_of_core.columns import Array, write_all
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.systems import rename, sync

_STATE, _FORM = "state.json", "step-{:05}"


class Checkpoints:
    """The newest step of a fit and, where one was better on the validation rows, that one too."""

    def __init__(self, work: WorkFolder, stage: str = "fit") -> None:
        self._folder = work.stage(stage)
        self._folder.mkdir(exist_ok=True)
        self.state: dict[str, Any] = {}
        if (self._folder / _STATE).exists():
            self.state = json.loads((self._folder / _STATE).read_text("utf-8"))
        self._sweep()

    def save(self, step: int, arrays: Mapping[str, Array], **facts: Any) -> None:
        """Write the arrays after so many steps. facts: plain values; `best`: a step to keep."""
        new = self._folder / f"{_FORM.format(step)}.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        shapes = {}
        for name, array in arrays.items():
            path = new / f"{name}.bin"
            with path.open("wb", buffering=0) as file:
                write_all(file, array, new)
            sync(path)
            shapes[name] = {"dtype": array.dtype.str, "shape": array.shape}
        write_text(new / "arrays.json", json.dumps(shapes))
        shutil.rmtree(self._folder / _FORM.format(step), ignore_errors=True)
        rename(new, self._folder / _FORM.format(step))
        sync(self._folder)
        self.state = json.loads(json.dumps({"step": step} | facts))
        write_text(self._folder / _STATE, json.dumps(self.state))
        self._sweep()

    def load(self, step: int, into: Mapping[str, Array]) -> None:
        """Fill the arrays with those of a step. Raises `InputError` where they are incomplete."""
        folder = self._folder / _FORM.format(step)
        for name, array in into.items():
            path = folder / f"{name}.bin"
            if not path.is_file() or path.stat().st_size != array.nbytes:
                raise InputError(
                    f"{path}: is missing or incomplete; remove {self._folder}, and start again"
                )
            array[...] = np.fromfile(path, array.dtype).reshape(array.shape)

    def _sweep(self) -> None:
        """Remove the steps that are not needed, and what a killed run has left."""
        kept = {_FORM.format(self.state[key]) for key in ("step", "best") if self.state.get(key)}
        for path in self._folder.iterdir():
            if path.is_dir() and path.name not in kept:
                shutil.rmtree(path)
