"""One model of ratecast, fitted once on a real table, and scored by every protocol.

    python -m benchmarks.peers.ours_on_table REQUEST

REQUEST is JSON: model, scale, and the files of the parts; figures are printed as JSON.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from ratecast import data
from ratecast.evaluation import protocol, score_rows
from ratecast.splits import Split
from ratecast.training import make_model


def main(request: dict[str, Any]) -> dict[str, Any]:
    """RMSE, NLL, share of ratings in the 80 % interval and processor seconds, by protocol."""
    parts = {
        name: data.load(Path(path), scale=request["scale"], notify=lambda _: None)
        for name, path in request["parts"].items()
    }
    split = Split("given", parts["train"], parts.get("valid"), parts["test"])
    model = make_model(request["model"])
    start = time.process_time()
    protocol.fit_timed(model, split)
    fitted, figures = time.process_time() - start, {}
    for by in protocol.possible(model, split):
        start = time.process_time()
        rows = score_rows.rows_of(protocol.run(model, split, by))
        seconds = time.process_time() - start
        scored = [row for row in rows if row["slice"] == "all" and row["part"] != "train"]
        figures[by] = {"cpu": fitted + seconds} | {
            name: {row["part"]: row[name] for row in scored} for name in ("rmse", "nll", "coverage")
        }
    return {"by": figures, "summary": model.summary()}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
