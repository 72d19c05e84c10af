#!/usr/bin/env bash
# narwhals: half stars to whole stars by one expression give another answer for each kind of table. The
# cast is left to the library below, and DuckDB alone has two rules: a DOUBLE goes to the even
# neighbour, a DECIMAL up. The same number written in a query is a DECIMAL, read from a CSV a DOUBLE.
# Guess: an expression that is written once means one thing, and so does one number in one database.
# Seen: 0.5, 1.5, 2.5, 3.5 and 4.5 become 0 1 2 3 4 in pandas and Polars, 0 2 2 4 4 in DuckDB (where no
#   half star is ever 1, 3 or 5) and 1 2 3 4 5 in DuckDB too if they are DECIMAL; PyArrow refuses.
# Source: https://github.com/narwhals-dev/narwhals (cast of each backend),
#   https://github.com/duckdb/duckdb (the casts of DOUBLE and DECIMAL)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet narwhals==2.29.0 duckdb==2.0.1 polars==2.1.0 \
  pandas==3.1.1 pyarrow==26.0.1
"$folder/venv/bin/python" - "$folder/ratings.csv" <<'END'
import sys
from importlib.metadata import version
from pathlib import Path

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa

for name in ("narwhals", "duckdb", "polars", "pandas", "pyarrow"):
    print(name, version(name))
HALF_STARS = [0.5, 1.5, 2.5, 3.5, 4.5]
Path(sys.argv[1]).write_text("\n".join(["stars", *map(str, HALF_STARS)]) + "\n")
tables = {
    "pandas": pd.DataFrame({"stars": HALF_STARS}),
    "Polars": pl.DataFrame({"stars": HALF_STARS}),
    "PyArrow": pa.table({"stars": HALF_STARS}),
    "DuckDB, from a CSV": duckdb.sql(f"select stars from '{sys.argv[1]}'"),
    "DuckDB, in the query": duckdb.sql(
        "select stars from (values (0.5), (1.5), (2.5), (3.5), (4.5)) as ratings(stars)"
    ),
}


def whole(table):
    """The stars as integers, or the name of the error."""
    try:
        found = nw.from_native(table).select(nw.col("stars").cast(nw.Int64))
        return (found.collect() if isinstance(found, nw.LazyFrame) else found)["stars"].to_list()
    except pa.ArrowInvalid as error:
        return type(error).__name__


seen = {name: whole(table) for name, table in tables.items()}
print("guess: the same for all")
for name, stars in seen.items():
    print(f"seen: {name}:", stars)
assert seen["pandas"] == seen["Polars"] == [0, 1, 2, 3, 4]
assert seen["DuckDB, from a CSV"] == [0, 2, 2, 4, 4]
assert seen["DuckDB, in the query"] == [1, 2, 3, 4, 5]
assert seen["PyArrow"] == "ArrowInvalid"
END
