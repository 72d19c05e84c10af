"""Verbs about tables of ratings."""

import json as jsonlib
from pathlib import Path
from typing import Literal

from ratecast.cli.call import SplitName, show


def fetch(edition: str, *, source: Path | None = None) -> None:
    """Bring an edition of MovieLens into the cache.

    Args:
        edition: ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, ml-32m, ml-latest-small or ml-latest.
        source: the published archive, or the folder that it unpacks to, instead of the network.
            Write it --from PATH.
    """
    from ratecast.data import fetch

    print(fetch(edition, source))


def expand(
    data: str = "ml-100k",
    *,
    ratings: float,
    out: Path,
    seed: int = 0,
    form: Literal["parquet", "csv"] = "parquet",
) -> None:
    """Make a large table that is like a small one, for tests of speed and size.

    Args:
        data: an edition, a folder, or a CSV or Parquet file of ratings.
        ratings: how many are wanted, as in 25e6; up to 1e9.
        out: a new folder.
        seed: the same seed gives the same table.
        form: parquet, in parts and in order of time; or csv, the files of ml-25m.
    """
    from ratecast.data import load
    from ratecast.data.expand import expand

    print(expand(load(data), ratings, out, seed=seed, form=form, name=data))


def describe(
    data: str = "ml-100k",
    *,
    columns: str | None = None,
    scale: str | None = None,
    json: bool = False,
) -> None:
    """Say what a table of ratings is like.

    Args:
        data: an edition, a folder, or a CSV or Parquet file of ratings.
        columns: role=name of a table of your own where a name is not recognised, as in
            movie=film,rating=score.
        scale: low:high:step, where it cannot be read from the ratings.
        json: print JSON.
    """
    from ratecast.data import describe, load_as
    from ratecast.evaluation import show as tables

    facts = describe(load_as(data, columns, scale))
    show(jsonlib.dumps(facts) if json else tables.facts_table(data, facts))


def split(
    data: str = "ml-100k",
    *,
    split: SplitName = "chronological",
    columns: str | None = None,
    scale: str | None = None,
    json: bool = False,
) -> int:
    """Audit a split: who is new in each part, ties, and whether anything leaks.

    Args:
        data: an edition, a folder, or a CSV or Parquet file of ratings.
        split: chronological, or a fold; of kfold, the first.
        columns: role=name of a table of your own where a name is not recognised, as in
            movie=film,rating=score.
        scale: low:high:step, where it cannot be read from the ratings.
        json: print JSON.
    """
    from ratecast.audit import audit
    from ratecast.data import load_as
    from ratecast.evaluation import show as tables
    from ratecast.splits import named

    ratings = load_as(data, columns, scale)
    facts = audit(named(ratings, split)[0], ratings)
    show(jsonlib.dumps(facts) if json else tables.audit_table(facts))
    return 1 if facts["leaks"] else 0
