"""The speed parts: which table, which methods, how often; and the settings chosen for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from benchmarks import environment, records
from benchmarks.peers import METHODS, Method, Settings
from benchmarks.process import ProcessTask, job, measured
from benchmarks.records import Record, Step
from benchmarks.tables import CHOICE_UP_TO, CHOSEN_AT, Parts, grown

# own: with the package's own settings. single: with the chosen ones, on one thread.
OWN, TUNED, SINGLE = "own", "tuned", "single"
THREADS = {OWN: 2, TUNED: 2, SINGLE: 1}
# Parts that choose settings, the smaller table first.
TUNED_AT = {"tune": CHOSEN_AT, "tune-25m": CHOICE_UP_TO}
WARMING, COMPILED = 150_000, ", compile"
LIGHTNING = "ratecast mf_bias, Lightning"


@dataclass(frozen=True)
class Plan:
    """One table. runs: how often each method is measured; those of `once`, one time only.

    leave_out: methods that are not run at this size. own: whether each is also run with the
    regularisation that it has by itself. single: whether each is also run on one thread, once.
    """

    rows: int
    runs: int = 3
    once: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    own: bool = False
    single: bool = True
    limit_seconds: float = 600.0

    @property
    def methods(self) -> list[Method]:
        """Those that are measured."""
        return [method for method in METHODS if method.name not in self.leave_out]


_PEERS = tuple(method.name for method in METHODS if method.package)

# A minute or more a run, so that a few seconds of noise count little.
_SLOW = ("cmfrec CMF", "LensKit ALS", "implicit ALS", "LensKit Bias")
_SURPRISE = ("Surprise SVD", "Surprise BaselineOnly")

PLANS = {
    "speed-1m": Plan(1_000_000, once=(LIGHTNING,), own=True),
    "speed-25m": Plan(25_000_000, once=_SLOW, leave_out=(LIGHTNING, *_SURPRISE)),
    "speed-100m": Plan(100_000_000, runs=1, leave_out=(LIGHTNING, *_PEERS), single=False),
}


def chosen(rows: int) -> dict[str, Settings]:
    """What validation chose for each method on a table of so many rows, or on a smaller one."""
    parts = [part for part, tried_at in TUNED_AT.items() if tried_at <= rows]
    found = [row for part in parts for row in records.read().get(part, {}).get("rows", [])]
    return {row["method"]: row["chosen"] for row in found}


def steps(plan: Plan) -> Iterator[Step]:
    """Every run of a part, the methods taking turns."""
    tuned = chosen(plan.rows)
    grown(plan.rows)
    # What numba compiles is cached on disk, so it is compiled before anything is measured.
    for method in plan.methods:
        if not method.package and method.name != LIGHTNING:
            warming = Plan(WARMING, limit_seconds=plan.limit_seconds)
            fit = partial(_measured, method, method.settings, warming, THREADS[TUNED])
            yield f"{method.name}{COMPILED}", fit
    for method, kind, turn in _turns(plan):
        settings = method.settings | ({} if kind == OWN else tuned.get(method.name, {}))
        fit = partial(_measured, method, settings, plan, THREADS[kind])
        yield f"{method.name}, {kind}, {turn}", fit


def _turns(plan: Plan) -> Iterator[tuple[Method, str, int]]:
    for turn in range(1, plan.runs + 1):
        for method in plan.methods:
            if turn == 1 or method.name not in plan.once:
                yield method, TUNED, turn
    for method in plan.methods if plan.single else []:
        if method.name not in (LIGHTNING, *(plan.once if plan.rows > CHOSEN_AT else ())):
            yield method, SINGLE, 1
    for method in plan.methods if plan.own else []:
        if method.grid:
            yield method, OWN, 1


def _measured(method: Method, settings: Settings, plan: Plan, threads: int) -> Record:
    about = {"method": method.name, "settings": settings, "threads": threads}
    if reason := environment.missing().get(method.package):
        return about | {"failed": f"not installed: {reason}"}
    parts = grown(plan.rows)
    fit = job(parts["train"], {"test": parts["test"]}, settings)
    task = ProcessTask(method.module, [fit], threads, plan.limit_seconds)
    result = measured(task)
    return about | _flat(result)


def _flat(result: Record) -> Record:
    """The only job's figures, beside those of the whole process."""
    if "failed" in result:
        return result
    figures: Record = result["done"][0]
    return figures | {"whole": result["whole"]}


def tuning(part: str) -> Iterator[Step]:
    """Each method's grid, on validation rows: on a large table what is near the smaller one's."""
    rows = TUNED_AT[part]
    parts, first = grown(rows), chosen(rows - 1)
    for method in METHODS:
        grid = method.grid if rows == CHOSEN_AT else method.large
        if grid and method.package not in environment.missing():
            tried = (first.get(method.name, {}), *grid)
            yield method.name, partial(_tuned, method, parts, tried)


def _tuned(method: Method, parts: Parts, tried: tuple[Settings, ...]) -> Record:
    jobs = [job(parts["inner"], {"valid": parts["valid"]}, method.settings | one) for one in tried]
    result = measured(ProcessTask(method.module, jobs, 2, 1800.0))
    if "failed" in result:
        return {"method": method.name, "chosen": tried[0], "failed": result["failed"]}
    rmse = [done["rmse"]["valid"] for done in result["done"]]
    return {
        "method": method.name,
        "chosen": tried[rmse.index(min(rmse))],
        "tried": list(zip(tried, rmse, strict=True)),
    }
