#!/usr/bin/env bash
# polars: a table of items is grown, a few rows at a time, by what a left join with itself says of new keys.
# None of them is known, so that each round adds 40 nulls. The memory doubles in every round: each joined
# column of text keeps a reference to every buffer of text of every piece of the table, and is a piece of it
# from then on. Only where the keys are in no order, a text has more than 12 bytes, and some twenty rows or
# more are asked for. 22 rounds are run here; some ten more would need all memory of a machine.
# Guess: 880 rows of nulls take some kilobytes.
# Seen: the process grows by more than a hundred megabytes, and half of it in the last round; the frame says
# that it has some kilobytes. A copy of the piece by way of its values (or one by rechunk of the
# whole) keeps it small.
# Source: https://github.com/pola-rs/polars/pull/20435 (the same kind, mended in 2024)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet polars==2.1.0 psutil==7.2.2
cat > "$folder/join.py" <<'END'
import random

import polars as pl
import psutil

ROUNDS, ROWS, KNOWN = 22, 40, 943
process = psutil.Process()


def grown(keep_piece):
    users = list(range(KNOWN))
    random.Random(0).shuffle(users)
    words = [f"a text of many bytes {k % 20}" for k in range(KNOWN)]
    table, sizes = pl.DataFrame({"user": users, "word": words}), []
    for k in range(ROUNDS):
        first = 10_000 + k * ROWS
        new = pl.DataFrame({"user": range(first, first + ROWS)})
        joined = new.join(table, on="user", how="left", maintain_order="left")
        assert joined["word"].null_count() == ROWS
        table = pl.concat([table, keep_piece(joined)])
        sizes.append(process.memory_info().rss / 1e6)
    return table, [size - sizes[0] for size in sizes]


_, copied = grown(lambda piece: pl.DataFrame(piece.to_dict(as_series=False), schema=piece.schema))
table, joined = grown(lambda piece: piece)
print(f"polars {pl.__version__}, {ROUNDS} rounds of {ROWS} unknown keys")
print(f"guess: {table.height - KNOWN} rows of nulls take some kilobytes")
print(f"seen: the process grew by {joined[-1]:.0f} MB, {joined[-1] - joined[-2]:.0f} of them in the")
print(f"last round; the frame says {table.estimated_size() / 1e3:.0f} kB; copied: {copied[-1]:.0f} MB")
assert joined[-1] > 100
assert joined[-1] - joined[-2] > 0.3 * joined[-1]
assert table.estimated_size() < 1e6
assert copied[-1] < 20
END
"$folder/venv/bin/python" "$folder/join.py"
