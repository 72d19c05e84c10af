"""Training data of the attention net: the whole rating sequences of users, in windows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ratecast.arrays import F32, F64
from ratecast.modelling.nets.base import Batch


@dataclass(frozen=True)
class UserSequences:
    """Rows ordered by user and time, cut into windows of one user each.

    inputs: (n, d) float32, of each row's movie. stars: (n,). earlier: (n,) int64, index of the
    first row of the row's user and time, so that the rows before it came earlier. targets: (n,)
    bool, which rows the net predicts. windows: (w, 3) int64: first row, first row that may be a
    target, row after the last. order: (n,) int64, index of each row in the table.
    """

    inputs: Tensor
    stars: Tensor
    earlier: Tensor
    targets: Tensor
    windows: Tensor
    order: Tensor

    def __len__(self) -> int:
        return int(self.targets.sum())

    def steps(self, size: int) -> int:
        """Number of batches."""
        return len(self._packs(size))

    def batches(self, size: int, order: torch.Generator | None) -> Iterator[Batch]:
        """Batches of windows of similar length, padded, with about `size` rows.

        (inputs (b, m, d), stars (b, m), earlier (b, m), targets (b, m), stars of the targets (k,)).
        `earlier` counts from the window's first row, and may be less than 0.
        """
        packs = self._packs(size)
        places = range(len(packs)) if order is None else torch.randperm(len(packs), generator=order)
        for place in places:
            yield self._batch(packs[int(place)])

    @staticmethod
    def part(batch: Batch, number: int, count: int) -> Batch:
        """Every `count`-th window."""
        inputs, stars, earlier, targets = (x[number::count] for x in batch[:4])
        return inputs, stars, earlier, targets, stars[targets]

    def split(self, share: float, seed: int) -> tuple[Self, Self]:
        """The windows of a random `share`, and the others; at least one of each."""
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self.windows)))
        few, most = order.tensor_split([max(1, int(len(order) * share))])
        return self._of(few), self._of(most if len(most) else few)

    def to(self, device: torch.device) -> Self:
        """The same tensors on `device`."""
        tensors = self.inputs, self.stars, self.earlier, self.targets, self.windows, self.order
        return type(self)(*(x.to(device) for x in tensors))

    def targets_from(self, row: int) -> Self:
        """Targets are the table's rows from `row` on; windows without any are left out."""
        targets = self.order >= row
        some = [bool(targets[first:stop].any()) for _, first, stop in self.windows.tolist()]
        return replace(self, targets=targets, windows=self.windows[torch.tensor(some)])

    def _of(self, picked: Tensor) -> Self:
        targets = torch.zeros_like(self.targets)
        for _, first, stop in self.windows[picked].tolist():
            targets[first:stop] = self.targets[first:stop]
        return replace(self, windows=self.windows[picked], targets=targets)

    def _packs(self, size: int) -> list[Tensor]:
        lengths = self.windows[:, 2] - self.windows[:, 0]
        packs: list[list[int]] = [[]]
        for place in lengths.argsort(stable=True).tolist():
            if packs[-1] and int(lengths[place]) * (len(packs[-1]) + 1) > size:
                packs.append([])
            packs[-1].append(place)
        return [self.windows[pack] for pack in packs if pack]

    def _batch(self, windows: Tensor) -> Batch:
        longest = int((windows[:, 2] - windows[:, 0]).max())
        places = torch.arange(longest, device=windows.device)
        rows = windows[:, :1] + places
        inside = rows < windows[:, 2:]
        rows = rows.clamp(max=len(self.stars) - 1)
        targets = inside & (rows >= windows[:, 1:2]) & self.targets[rows]
        stars = self.stars[rows]
        return (
            self.inputs[rows],
            stars,
            self.earlier[rows] - windows[:, :1],
            targets,
            stars[targets],
        )


def user_sequences(
    users: NDArray[np.int32], stars: F32, times: NDArray[np.int64], inputs: F64, length: int
) -> UserSequences:
    """The rows of a table, ordered by user and time; all are targets."""
    order = np.lexsort((times, users))
    users = users[order]
    return UserSequences(
        torch.from_numpy(inputs[order].astype(np.float32)),
        torch.from_numpy(stars[order].astype(np.float32)),
        torch.from_numpy(first_of_tie(users, times[order])),
        torch.ones(len(order), dtype=torch.bool),
        torch.from_numpy(windows_of(users, length)),
        torch.from_numpy(order),
    )


def windows_of(users: NDArray[np.int32], length: int) -> NDArray[np.int64]:
    """Windows over rows that are ordered by user: (w, 3), see `UserSequences`.

    At most `length` rows are targets in each, after up to `length` rows of context.
    """
    edges = np.concatenate([[0], np.flatnonzero(np.diff(users)) + 1, [len(users)]])
    return np.array(
        [
            (max(start, first - length), first, min(first + length, stop))
            for start, stop in pairwise(edges)
            for first in range(start, stop, length)
        ],
        np.int64,
    ).reshape(-1, 3)


def first_of_tie(users: NDArray[np.int32], times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the first row of each row's user and time: (n,); rows ordered by user and time."""
    new = np.concatenate([[True], (np.diff(users) != 0) | (np.diff(times) != 0)])
    firsts = np.flatnonzero(new)
    of_row: NDArray[np.int64] = firsts[np.cumsum(new) - 1]
    return of_row
