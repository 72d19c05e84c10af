#!/usr/bin/env bash
# torch: the sparse gradient of an embedding goes through all_reduce of a group of one process.
# The gradient has a row for each use, so rows repeat. gloo needs each row once and calls coalesce(), which sorts
# the row numbers by a sort that keeps equal ones in no order: from 17 entries on, the values of a row are
# summed in another order than they were used in, and than adding the tensor to a dense one sums them.
# Guess: a sum over one process changes no bit; a net on one worker is that of the plain loop.
# Seen: some rows differ in the last digits, at 64 entries and more; with 16 entries or fewer none does.
# Source: https://docs.pytorch.org/docs/stable/sparse.html (coalesced tensors; of the order it says nothing)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/order.py" <<'END'
import sys
import warnings

import torch
import torch.distributed as dist

warnings.filterwarnings("ignore", "Sparse invariant checks")
dist.init_process_group("gloo", init_method=f"file://{sys.argv[1]}", rank=0, world_size=1)
random = torch.Generator().manual_seed(0)


def gradient(uses, rows):
    """Of an embedding that a batch uses so often."""
    table = torch.nn.Embedding(rows, 8, sparse=True)
    used = torch.randint(0, rows, (uses,), generator=random)
    (table(used) * torch.randn(uses, 8, generator=random)).sum().backward()
    return table.weight.grad


changed = {}
for uses, rows in ((8, 2), (16, 2), (64, 8), (1000, 50)):
    own = gradient(uses, rows)
    plain = torch.zeros(rows, 8).add_(own)
    dist.all_reduce(own)
    summed = own.to_dense()
    assert torch.allclose(plain, summed, atol=1e-5)
    changed[uses] = int((plain != summed).any(dim=1).sum())
    print(f"torch {torch.__version__}: {uses} uses of {rows} rows: {changed[uses]} rows differ")
assert not changed[8]
assert not changed[16]
assert changed[64]
assert changed[1000]
END
"$folder/venv/bin/python" "$folder/order.py" "$folder/group"
