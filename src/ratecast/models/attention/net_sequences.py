"""Whole histories to learn from: what a net is asked that answers from what a user said before."""

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
class Histories:
    """Rows ordered by user and time, cut into windows of one user each.

    seen: (n, d) float32, what is known of each row's movie. stars: (n,). came: (n,) int64, how
    many rows of the user came before the row's moment. asked: (n,) bool, which rows the net must
    answer. windows: (w, 3) int64: first row, first row that may be asked, row after the last.
    order: (n,) int64, where each row stood in the table.
    """

    seen: Tensor
    stars: Tensor
    came: Tensor
    asked: Tensor
    windows: Tensor
    order: Tensor

    def __len__(self) -> int:
        return int(self.asked.sum())

    def steps(self, size: int) -> int:
        """How many batches `batches` gives."""
        return len(self._packs(size))

    def batches(self, size: int, order: torch.Generator | None) -> Iterator[Batch]:
        """Windows of about the same length, side by side, with room for about `size` rows.

        (seen (b, m, d), stars (b, m), came (b, m), asked (b, m), stars of the asked (k,)).
        `came` counts from the window's first row, and may be less than 0.
        """
        packs = self._packs(size)
        places = range(len(packs)) if order is None else torch.randperm(len(packs), generator=order)
        for place in places:
            yield self._batch(packs[int(place)])

    def split(self, share: float, seed: int) -> tuple[Self, Self]:
        """The windows of a drawn `share`, and the others; at least one of each."""
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self.windows)))
        few, most = order.tensor_split([max(1, int(len(order) * share))])
        return self._of(few), self._of(most if len(most) else few)

    def to(self, device: torch.device) -> Self:
        """The same tensors on `device`."""
        tensors = self.seen, self.stars, self.came, self.asked, self.windows, self.order
        return type(self)(*(x.to(device) for x in tensors))

    def asked_from(self, row: int) -> Self:
        """Asked about the table's rows from `row` on only; windows without any are left out."""
        asked = self.order >= row
        some = [bool(asked[first:stop].any()) for _, first, stop in self.windows.tolist()]
        return replace(self, asked=asked, windows=self.windows[torch.tensor(some)])

    def _of(self, picked: Tensor) -> Self:
        asked = torch.zeros_like(self.asked)
        for _, first, stop in self.windows[picked].tolist():
            asked[first:stop] = self.asked[first:stop]
        return replace(self, windows=self.windows[picked], asked=asked)

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
        asked = inside & (rows >= windows[:, 1:2]) & self.asked[rows]
        stars = self.stars[rows]
        return self.seen[rows], stars, self.came[rows] - windows[:, :1], asked, stars[asked]


def histories(
    users: NDArray[np.int32], stars: F32, at: NDArray[np.int64], seen: F64, length: int
) -> Histories:
    """The rows of a table by user and time; all are asked about."""
    order = np.lexsort((at, users))
    users = users[order]
    return Histories(
        torch.from_numpy(seen[order].astype(np.float32)),
        torch.from_numpy(stars[order].astype(np.float32)),
        torch.from_numpy(came_before(users, at[order])),
        torch.ones(len(order), dtype=torch.bool),
        torch.from_numpy(cut(users, length)),
        torch.from_numpy(order),
    )


def cut(users: NDArray[np.int32], length: int) -> NDArray[np.int64]:
    """Windows over rows that are ordered by user: (w, 3), see `Histories`.

    At most `length` rows are asked in each, after up to `length` rows to look back at.
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


def came_before(users: NDArray[np.int32], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first row of each row's user and moment: (n,); rows are ordered by user and time."""
    new = np.concatenate([[True], (np.diff(users) != 0) | (np.diff(at) != 0)])
    firsts = np.flatnonzero(new)
    found: NDArray[np.int64] = firsts[np.cumsum(new) - 1]
    return found
