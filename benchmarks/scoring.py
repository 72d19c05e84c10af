"""How quickly models predict and walk: writes benchmarks/scoring.json, and docs/scale.md.

    python -m benchmarks.scoring [FOLDER] [--rows N] [--render]

FOLDER holds a dataset, as `ratecast data expand` writes it; without one, N ratings are grown from
ml-100k. Each figure is the best of several; beside it stands a plain numpy way in the same run.
"""

import argparse
import copy
import json
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba
import numpy as np
from scipy.special import ndtr

from benchmarks import records
from benchmarks.limits import copy_speed
from benchmarks.loading import timed
from benchmarks.marks import with_section
from benchmarks.scoring_page import MARKS, section
from ratecast import data
from ratecast.atomic_write import write_text
from ratecast.data.expand import expand
from ratecast.evaluation.protocol import as_of
from ratecast.modelling.calibration.ordered_probit import OrderedProbit
from ratecast.modelling.calibration.probit_kernel import HISTORY_EDGES
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import time_groups
from ratecast.modelling.factors.bilinear_state import HasBilinearForm
from ratecast.modelling.factors.pair_scores import expected_stars, single_precision
from ratecast.queries.top_n import Recommender
from ratecast.ratings import USER, Ratings, Requests
from ratecast.splits import Split, chronological
from ratecast.table_writer import write_pieces
from ratecast.training import make_model

ROOT = Path(__file__).parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "scoring.json", ROOT / "docs" / "scale.md"
RUNS, PAIRS, PLAIN, SOME = 5, 20_000_000, 1_000_000, 20_000
Figures = dict[str, dict[str, float | str]]


def main() -> None:
    """Measure, write, render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="a dataset, instead of growing one")
    parser.add_argument("--rows", type=int, default=1_000_000, help="ratings to grow")
    parser.add_argument("--render", action="store_true", help="only write the page anew")
    given = parser.parse_args()
    if not given.render:
        facts = measure(_table(given.folder, given.rows))
        write_text(RESULTS, json.dumps(facts, indent=1) + "\n")
    results = json.loads(RESULTS.read_text("utf-8"))
    write_text(PAGE, with_section(PAGE.read_text("utf-8"), MARKS, section(results)))
    print(section(results))


def measure(table: Ratings) -> dict[str, Any]:
    """All figures, and of what machine and table they are."""
    split, machine = chronological(table), records.machine()
    model = make_model("mf_bias", factors=64, solver="kernel", descent={"epochs": 3}).fit(table)
    bandwidth = copy_speed()
    figures = _pairs(model, table, bandwidth) | _top(model, table) | walk_rows(split)
    return {
        "machine": machine | {"copies_gb_per_second": bandwidth},
        "table": {
            "ratings": len(table),
            "users": len(model.users) - 1,
            "movies": len(model.movies) - 1,
        },
        "figures": figures,
    }


def best(work: Callable[[], Any], runs: int = RUNS) -> float:
    """Seconds of the quickest of several runs, after one that loads what is needed."""
    work()
    return min(timed(work)[0] for _ in range(runs))


def _pairs(model: Model, table: Ratings, bandwidth: float) -> Figures:
    """Expected stars of pairs that are as frequent as in the table, sorted by user and not."""
    assert isinstance(model, HasBilinearForm)
    drawn = np.random.default_rng(0).integers(0, len(table), PAIRS)
    loose = Requests(table.frame[drawn].select("user", "movie"))
    by_user, few = Requests(loose.frame.sort(USER)), Requests(loose.frame[:PLAIN])
    form = model.bilinear_form()
    users, movies = (side.vectors for side in single_precision(form))
    rows = model.encode(few)
    plain = PLAIN / best(lambda: (users[rows.users] * movies[rows.movies]).sum(axis=1))
    figures: Figures = {}
    for name, requests in (("by user", by_user), ("in any order", loose)):
        seconds = best(lambda requests=requests: expected_stars(model, requests), 3)  # type: ignore[misc]
        figures[f"expected stars, pairs {name}"] = _rate(PAIRS / seconds, "pairs", plain)
    ids = PAIRS / best(lambda: model.encode(loose), 3)
    # Two vectors a pair, read from memory where a cache holds neither.
    limit = bandwidth * 1e9 / (2 * users.shape[1] * users.itemsize)
    figures["of which: ids to rows"] = _rate(ids, "pairs", None)
    figures["both vectors from memory, at most"] = _rate(limit, "pairs", None)
    whole = PLAIN / best(lambda: model.predict(few), 2)
    return figures | {"predict, with deviation and probabilities": _rate(whole, "pairs", None)}


def _top(model: Model, table: Ratings) -> Figures:
    """The ten best of all movies, the rated left out: for one user, and for many, to a file."""
    assert isinstance(model, HasBilinearForm)
    ranked, users = Recommender(model, table), model.users.table[USER]
    turn = iter(np.random.default_rng(1).permutation(len(users)).tolist() * RUNS)
    one = best(lambda: ranked.top(users[next(turn) :][:1]), 200)
    form = model.bilinear_form()
    plain = best(lambda: np.argsort(-(form.movies[:, 1:] @ form.users[1, 1:]))[:10], 20)
    some = users[:SOME]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "top.parquet"
        many, rows = timed(lambda: write_pieces(out, ranked.blocks(some)))
        size = out.stat().st_size
    rate = _rate(len(some) / many, "users", 1 / plain)
    rate |= {"rows": rows, "bytes": size, "users": len(some)}
    alone: dict[str, float | str] = {"value": _ms(one), "unit": "ms", "plain": _ms(plain)}
    return {
        "top 10 for one user": alone,
        "top 10 for many, to Parquet": rate,
    }


def walk_rows(split: Split) -> Figures:
    """The biases over validation and test, one thread: each rating is predicted, then observed."""
    assert split.valid is not None
    model, stream = make_model("bias").fit(split.train, split.valid), _later(split)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    seconds = min(timed(lambda m=m: m.walk(stream))[0] for m in _copies(model))  # type: ignore[misc]
    whole = min(
        timed(lambda m=m: as_of(m, split.parts))[0]  # type: ignore[misc]
        for m in _copies(model)
    )
    short = stream.take(slice(0, 5_000))
    plain = min(timed(lambda m=m: _plainly(m, short))[0] for m in _copies(model))  # type: ignore[misc]
    shares = best(lambda: _shares(model, stream))
    numba.set_num_threads(threads)
    rows, slow = len(stream), len(short) / plain
    return {
        "walk of bias, one thread": _rate(rows / seconds, "ratings", slow),
        "as-of evaluation of bias, one thread": _rate(rows / whole, "ratings", slow),
        "star probabilities, one thread": _rate(rows / shares, "rows", _probit(model, stream)),
    }


def _copies(model: Model) -> list[Model]:
    return [copy.deepcopy(model) for _ in range(RUNS)]


def _plainly(model: Model, stream: Ratings) -> None:
    """One tie group after another, as the contract says."""
    for start, stop in pairwise(time_groups(stream)):
        now = stream.take(slice(start, stop))
        model.predict(now.requests())
        model.observe(now)


def _shares(model: Model, stream: Ratings) -> None:
    mean, history_length = stream.stars.astype(np.float64), np.arange(len(stream)) % 40
    model.calibration.probabilities(mean, history_length, None)


def _probit(model: Model, stream: Ratings) -> float:
    """The same by numpy and scipy, rows a second."""
    probit: OrderedProbit = model.calibration.known_users
    mean, history_length = stream.stars.astype(np.float64), np.arange(len(stream)) % 40

    def plainly() -> None:
        distance = (mean - probit.location.centre) / probit.location.unit
        powers = np.column_stack([np.ones(len(mean)), distance, distance**2])
        std = probit.stds[np.digitize(history_length, HISTORY_EDGES)]
        np.maximum.accumulate(ndtr(powers @ probit.curves.T / std[:, None]), axis=1)

    return len(mean) / best(plainly, 2)


def _later(split: Split) -> Ratings:
    assert split.valid is not None
    return split.valid.with_more(split.test)


def _rate(value: float, unit: str, plain: float | None) -> dict[str, float | str]:
    figures: dict[str, float | str] = {"value": round(value), "unit": f"{unit} a second"}
    return figures if plain is None else figures | {"plain": round(plain)}


def _ms(seconds: float) -> float:
    return round(1e3 * seconds, 2)


def _table(folder: Path | None, rows: int) -> Ratings:
    if folder is not None:
        return data.load(folder)
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "table"
        expand(data.load("ml-100k"), rows, made, name="ml-100k")
        return data.load(made)


if __name__ == "__main__":
    main()
