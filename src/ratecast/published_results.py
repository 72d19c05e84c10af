"""The results of `make reproduce`, which come along in the package."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
# Installed, the file is in the package. In the repository, `make reproduce` writes it.
PACKED = HERE / "serving" / "page" / "results.json"
WRITTEN = HERE.parents[1] / "results" / "reproduce.json"


@lru_cache(1)
def results() -> dict[str, Any] | None:
    """The content of the file; None if it is not installed."""
    file = next((path for path in (PACKED, WRITTEN) if path.is_file()), None)
    return None if file is None else dict(json.loads(file.read_bytes()))


def test_rmse(protocol: str) -> dict[str, float]:
    """RMSE of each model on the test part of MovieLens 100K, in stars. protocol: frozen or as-of.

    Empty if the results are not installed.
    """
    wanted = ("chronological", protocol, "test", "all")
    keys = ("split", "protocol", "part", "slice")
    rows = (results() or {"rows": []})["rows"]
    return {row["model"]: row["rmse"] for row in rows if tuple(row[k] for k in keys) == wanted}
