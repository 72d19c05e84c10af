"""Columns on disk: plain arrays, appended to in pieces and read in pieces."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from ratecast.errors import InputError

Array = NDArray[Any]


class Columns:
    """Columns of one length in a folder, each in a file of its own; `names` gives their types."""

    def __init__(self, folder: Path, types: dict[str, str], rows: int) -> None:
        self.folder, self.types, self.rows = folder, types, rows
        for name, dtype in types.items():
            path, size = self.path(name), np.dtype(dtype).itemsize * rows
            if not path.is_file() or path.stat().st_size != size:
                raise InputError(
                    f"{path}: is missing or incomplete; remove {folder.parent}, and start again"
                )

    def path(self, name: str) -> Path:
        """The file of a column."""
        return self.folder / f"{name}.bin"

    def read(self, name: str, first: int, last: int) -> Array:
        """The rows from `first` to `last` - 1 of a column."""
        dtype = np.dtype(self.types[name])
        return np.fromfile(self.path(name), dtype, last - first, offset=first * dtype.itemsize)

    def strided(self, name: str, stride: int, piece: int = 1 << 22) -> Array:
        """Every `stride`-th row of a column, read piece by piece: mapped pages count as memory."""
        pieces: list[Array] = [np.zeros(0, self.types[name])]
        for start in range(0, self.rows, piece):
            rows = self.read(name, start, min(start + piece, self.rows))
            # A view would hold all rows of its piece.
            pieces.append(rows[-start % stride :: stride].copy())
        return np.concatenate(pieces)


class Appender:
    """Files of columns that rows are appended to; nothing is buffered beside the system's cache."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._open, self._folder = ExitStack(), folder
        self._files: list[BinaryIO] = [
            self._open.enter_context((folder / f"{name}.bin").open("wb", buffering=0))
            for name in names
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def append(self, *columns: Array) -> None:
        """Rows of all columns, in the order of their names."""
        for file, column in zip(self._files, columns, strict=True):
            write_all(file, column, self._folder)


def write_all(file: BinaryIO, column: Array, folder: Path) -> None:
    """Write an array. Raises `InputError` where the disk is full."""
    left = np.ascontiguousarray(column).reshape(-1).view(np.uint8).data
    try:
        while len(left):
            left = left[file.write(left) :]
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); free disk space, then start "
            "again: what is done is kept"
        ) from None
