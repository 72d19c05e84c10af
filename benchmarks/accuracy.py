"""The accuracy part: every peer on MovieLens 100K, with its defaults and with tuned settings.

Chronological split: fitted on train, tuned on valid, test used once. u1 to u5: tuned on a random
tenth of u1's train part, the same settings for all five.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks import environment
from benchmarks.environment import ROOT
from benchmarks.peers import ACCURATE, WALKED, Method, Settings, least
from benchmarks.process import ProcessTask, job, measured
from benchmarks.records import Record, Step
from benchmarks.tables import Parts, movielens

FOLDS = ("u1", "u2", "u3", "u4", "u5")
FROZEN, AS_OF = "frozen", "as-of"
CHRONOLOGICAL = "chronological"
# ratecast on u1 to u5; its figures on the chronological split are those of `make reproduce`.
OURS = ("bias", "mf_bias", "als", "svdpp", "knn", "state_space", "factorization_machine", "blend")
# Nothing is timed here: so many at a time, on one thread each.
WORKERS = 2


def steps() -> Iterator[Step]:
    """One for each peer, and one for each fold of ratecast's models."""
    splits = movielens()
    for method in ACCURATE:
        yield f"{method.name}, {FROZEN}", partial(_peer, method, splits)
    for method in WALKED:
        yield f"{method.name}, {AS_OF}", partial(_walked, method, splits[CHRONOLOGICAL])
    for name in OURS:
        for fold in FOLDS:
            yield f"ratecast {name}, {fold}", partial(_ours, name, fold)


def _peer(method: Method, splits: dict[str, Parts]) -> Record:
    """RMSE with its own settings and with chosen ones, on the split by time and on the folds."""
    about = {"method": method.name, "protocol": FROZEN}
    if reason := environment.missing().get(method.package):
        return about | {"failed": f"not installed: {reason}"}
    by_time, first = splits[CHRONOLOGICAL], splits["u1"]
    settings = [method.settings, *(method.settings | tried for tried in method.grid)]
    tried = [job(by_time["train"], {"valid": by_time["valid"]}, one) for one in settings]
    tried += [job(first["inner"], {"valid": first["valid"]}, one) for one in settings]
    result = _all(method, tried)
    if "failed" in result:
        return about | result
    rmse = [done["rmse"]["valid"] for done in result["done"]]
    count = len(settings)
    later, anywhere = least(settings, rmse[:count]), least(settings, rmse[count:])
    return about | _final(method, splits, (later, anywhere))


def _final(method: Method, splits: dict[str, Parts], best: tuple[Settings, Settings]) -> Record:
    """RMSE of the test rows, with the final settings."""
    by_time = splits[CHRONOLOGICAL]
    scored = {"valid": by_time["valid"], "test": by_time["test"]}
    jobs = [job(by_time["train"], scored, one) for one in (method.settings, best[0])]
    for one in (method.settings, best[1]):
        jobs += [job(splits[f]["train"], {"test": splits[f]["test"]}, one) for f in FOLDS]
    result = _all(method, jobs)
    if "failed" in result:
        return result
    rmse = [done["rmse"] for done in result["done"]]
    folds = [one["test"] for one in rmse[2:]]
    return {
        "own": {"settings": method.settings, "by_time": rmse[0], "folds": folds[: len(FOLDS)]},
        "tuned": {"settings": best[0], "by_time": rmse[1], "folds": folds[len(FOLDS) :]},
        "settings_of_folds": best[1],
    }


def _walked(method: Method, parts: Parts) -> Record:
    """As-of RMSE: settings chosen on valid, then both parts walked again with those that stand."""
    about = {"method": method.name, "protocol": AS_OF}
    if reason := environment.missing().get(method.package):
        return about | {"failed": f"not installed: {reason}"}
    settings = [method.settings, *(method.settings | tried for tried in method.grid)]
    train = parts["events"]
    result = _all(method, [job(train, {"valid": parts["valid"]}, one) for one in settings])
    if "failed" in result:
        return about | result
    best = least(settings, [done["rmse"]["valid"] for done in result["done"]])
    both = {"valid": parts["valid"], "test": parts["test"]}
    result = _all(method, [job(train, both, one) for one in (method.settings, best)])
    if "failed" in result:
        return about | result
    own, tuned = (done["rmse"] for done in result["done"])
    return about | {
        "own": {"settings": method.settings, "by_time": own},
        "tuned": {"settings": best, "by_time": tuned},
    }


def _ours(name: str, fold: str) -> Record:
    words = [sys.executable, "-m", "ratecast.cli", "evaluate", f"--model={name}"]
    ran = subprocess.run(
        [*words, f"--split={fold}", "--json"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    rows: list[dict[str, Any]] = json.loads(ran.stdout)["rows"]
    (rmse,) = (r["rmse"] for r in rows if r["part"] == "test" and r["slice"] == "all")
    return {"method": f"ratecast {name}", "fold": fold, "rmse": {"test": rmse}}


def _all(method: Method, jobs: list[Record]) -> Record:
    return measured(ProcessTask(method.module, jobs, 1, 1200.0))
