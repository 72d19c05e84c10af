"""Fractal expansion: a table of any size that resembles a small one."""

from pathlib import Path
from typing import Literal

from ratecast.data.expand.blocks import Expansion
from ratecast.data.expand.files import require_space, write
from ratecast.data.expand.shape import blocks, shape_of
from ratecast.data.expand.source import source_of
from ratecast.data.notices import Notify, to_stderr
from ratecast.errors import InputError
from ratecast.ratings import Ratings

Form = Literal["parquet", "csv"]


def expand(
    ratings: Ratings,
    rows: float,
    out: Path,
    *,
    seed: int = 0,
    form: Form = "parquet",
    name: str = "SOURCE",
    notify: Notify = to_stderr,
) -> Path:
    """Generate exactly `rows` ratings that resemble `ratings`, in the new folder `out`.

    form: `parquet`, a canonical dataset in parts, sorted by time; or `csv`, the files of ml-25m.
    name: of the source, for the metadata. The same ratings, rows and seed give the same table.
    Raises `InputError`, before the work starts, if `out` is not empty or disk or memory are short.
    """
    if seed < 0:
        raise InputError(f"expand: seed {seed} is negative; give an integer from 0")
    source = source_of(ratings)
    users, movies = blocks(source, rows)
    count = int(rows)
    require_space(out, form, count, users * movies)
    expansion = Expansion(source, shape_of(source, count, seed), seed)
    metadata = {
        "name": out.name,
        "made": f"ratecast data expand {name} --ratings {count} --seed {seed} --out {out}",
        "licence": f"that of {name} still applies",
        "rows": count,
    }
    notify(f"Generating {count:,} ratings of {users * source.users:,} users ...")
    write(expansion, out, form, metadata)
    notify(f"{out}: {count:,} ratings, generated from {name}, whose licence still applies")
    return out
