#!/usr/bin/env bash
# Polars: the sum of a group of single-precision ratings depends on what else is asked for. Alone it is
# added up one rating after the other in single precision, which stops growing as it should beyond 2^24;
# inside an expression, or next to a standard deviation, it goes another way and is right.
# Guess: a sum divided by the number of rows is the mean, whether it is divided in agg or after it, and
#   another column of the same agg changes nothing.
# Seen: for 32,000,000 half stars with a mean of 3.53 (as many as in MovieLens 32M) and one thread,
#   dividing after agg gives 3.13. Dividing in agg, asking for std as well, and mean() give 3.53. The
#   more threads, the shorter the parts and the smaller the error.
# Source: https://github.com/pola-rs/polars/pull/24774 (a more exact sum, for one of the two ways)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet polars==2.1.0 numpy==2.4.6
cat > "$folder/sums.py" <<'END'
import numpy as np
import polars as pl

ROWS = 32_000_000
SHARES = [0.016, 0.031, 0.016, 0.066, 0.05, 0.2, 0.127, 0.265, 0.087, 0.142]  # Of 0.5 to 5 stars.
half_stars = np.random.default_rng(0).choice(np.arange(1, 11, dtype=np.int8), ROWS, p=SHARES)
true = half_stars.sum(dtype=np.int64) / 2 / ROWS
table = pl.DataFrame({"part": np.zeros(ROWS, np.int8), "stars": half_stars / np.float32(2)})
assert table.schema["stars"] == pl.Float32

parts, stars = table.group_by("part"), pl.col("stars")
seen = {
    "sum, divided after agg": parts.agg(stars.sum())["stars"][0] / ROWS,
    "sum, divided in agg": parts.agg(stars.sum() / pl.len())["stars"][0],
    "sum next to std": parts.agg(stars.sum(), stars.std().alias("std"))["stars"][0] / ROWS,
    "mean": parts.agg(stars.mean())["stars"][0],
}
print(f"polars {pl.__version__}, numpy {np.__version__}, {pl.thread_pool_size()} thread")
print(f"guess: {true:.3f} four times")
print("seen:", {name: round(mean, 3) for name, mean in seen.items()})
wrong = seen.pop("sum, divided after agg")
assert wrong < true - 0.2
assert all(abs(mean - true) < 0.001 for mean in seen.values())
END
POLARS_MAX_THREADS=1 "$folder/venv/bin/python" "$folder/sums.py"
