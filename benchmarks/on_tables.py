"""ratecast and its peers on real tables: writes benchmarks/tables.json and docs/tables.md.

    python -m benchmarks.on_tables --folder DIR [--table NAME=PATH]... [--only NAME,NAME] [--fresh]
    python -m benchmarks.on_tables --ours    ratecast anew; the figures of the peers are kept
    python -m benchmarks.on_tables --render

DIR holds the files of benchmarks/real_tables.py, as they are offered. A table of one's own is
measured in the same way and printed, but not saved. A run that was stopped goes on where it was.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import environment, records, tables_page
from benchmarks.environment import ROOT
from benchmarks.peers import Method, least
from benchmarks.peers.on_tables import FITTED, WALKED
from benchmarks.process import ProcessTask, environment_of, job, measured
from benchmarks.real_tables import BY_TIME, RANDOM, TABLES, RealTable, of_the_user, parts, protocols
from benchmarks.records import Record, Step
from benchmarks.tables import Parts
from ratecast.errors import InputError

FROZEN, AS_OF = "frozen", "as-of"
# In the order of the page.
OURS = (
    "mean", "bias", "als", "variational_mf", "knn", "svdpp", "state_space", "factorization_machine",
    "auto",
)  # fmt: skip
# Nothing is timed but in processor seconds: so many at a time, on one thread each.
WORKERS = 2
LIMIT = 1800.0


def main(words: Sequence[str] | None = None) -> None:
    """Measure, save, render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("tables"), help="where the files are")
    parser.add_argument("--table", action="append", default=[], help="one of your own: NAME=PATH")
    parser.add_argument("--only", help="tables, with commas between them")
    parser.add_argument("--fresh", action="store_true", help="forget what a stopped run has done")
    parser.add_argument("--ours", action="store_true", help="keep the figures of the peers")
    parser.add_argument("--render", action="store_true", help="only write the page anew")
    given = parser.parse_args(words)
    own = [of_the_user(pair) for pair in given.table]
    chosen = [] if own or given.render else _chosen(given.only)
    if not given.render and not environment.ready():
        environment.make()
    for table in own:
        print(tables_page.section(table.name, measure(table, given.folder, [], given.fresh)))
    for table in chosen:
        kept = tables_page.of_peers(table.name) if given.ours else []
        tables_page.save(table.name, measure(table, given.folder, kept, given.fresh))
    if not own:
        tables_page.write()


def measure(table: RealTable, folder: Path, kept: list[Record], fresh: bool = False) -> Record:
    """Every method on every split of one table; `kept` rows are not measured anew."""
    part = f"table-{table.name}"
    if fresh:
        records.progress(part).unlink(missing_ok=True)
    machine = records.machine()
    known = {row["key"] for row in kept}
    left = [step for step in steps(table, folder) if step[0] not in known]
    rows = kept + records.done(part, left, WORKERS)
    records.progress(part).unlink(missing_ok=True)
    return {"machine": machine, "source": table.source, "rows": rows}


def steps(table: RealTable, folder: Path) -> Iterator[Step]:
    """One for each method, split and protocol."""
    for split in protocols(table):
        where, scale = parts(table, split, folder)
        for method in FITTED:
            yield f"{split}, {FROZEN}, {method.name}", partial(_peer, method, where, scale, split)
        for method in WALKED if split == BY_TIME else ():
            yield f"{split}, {AS_OF}, {method.name}", partial(_peer, method, where, scale, split)
        for name in OURS:
            yield f"{split}, ratecast {name}", partial(_ours, name, where, scale, split)


def _peer(method: Method, where: Parts, scale: str, split: str) -> Record:
    """Its settings chosen on `valid`, then the test part once."""
    protocol = AS_OF if method in WALKED else FROZEN
    about: Record = {"method": method.name, "split": split, "protocol": protocol}
    if reason := environment.missing().get(method.package):
        return about | {"failed": f"not installed: {reason}"}
    settings = [method.settings | tried for tried in method.grid or ({},)]
    low, high = (float(end) for end in scale.split(":")[:2])
    inner = where["inner" if split == RANDOM else "train"]

    def ran(jobs: list[Any]) -> Record:
        return measured(ProcessTask(method.module, jobs, 1, LIMIT))

    tried = ran([job(inner, {"valid": where["valid"]}, one, (low, high)) for one in settings])
    if "failed" in tried:
        return about | tried
    best = least(settings, [done["rmse"]["valid"] for done in tried["done"]])
    names = ("test",) if split == RANDOM else ("valid", "test")
    last = ran([job(where["train"], {n: where[n] for n in names}, best, (low, high))])
    if "failed" in last:
        return about | last
    spent = last["whole"].get("processor_seconds")
    return about | {"settings": best, "cpu": spent} | {"rmse": last["done"][0]["rmse"]}


def _ours(name: str, where: Parts, scale: str, split: str) -> Record:
    """One fit, nothing chosen by hand; scored frozen, and as-of where there are times."""
    about: Record = {"method": f"ratecast {name}", "split": split}
    names = ("train", "test") if split == RANDOM else ("train", "valid", "test")
    request = {"model": name, "scale": scale, "parts": {n: str(where[n]) for n in names}}
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "benchmarks.peers.ours_on_table", json.dumps(request)],
            cwd=ROOT, capture_output=True, text=True, env=environment_of(1), timeout=LIMIT,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return about | {"failed": f"not done after {LIMIT:.0f} s"}
    if ran.returncode:
        return about | {"failed": (ran.stderr.strip().splitlines() or ["failed"])[-1][:200]}
    figures: Record = json.loads(ran.stdout)
    return about | figures


def _chosen(only: str | None) -> list[RealTable]:
    names = only.split(",") if only else [table.name for table in TABLES]
    known = {table.name: table for table in TABLES}
    for name in names:
        if name not in known:
            raise InputError(f"no table {name!r}; tables are {', '.join(known)}")
    return [known[name] for name in names]


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(f"on_tables: {error}") from None
