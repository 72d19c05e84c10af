"""Growth: a table of any size that is like a small one, by fractal expansion."""

from pathlib import Path
from typing import Literal

from ratecast.data.expand.blocks import Expansion
from ratecast.data.expand.files import refuse_without_room, write
from ratecast.data.expand.shape import blocks, shaped
from ratecast.data.expand.source import studied
from ratecast.data.notices import Say, to_stderr
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
    say: Say = to_stderr,
) -> Path:
    """Make exactly `rows` ratings like those of `ratings` in the new folder `out`.

    form: `parquet`, a canonical dataset in parts, in order of time; or `csv`, the files of ml-25m.
    name: what the source is called. The same ratings, rows and seed give the same table. Raises
    `InputError` before the work starts where `out` holds something, or disk or memory would not do.
    """
    if seed < 0:
        raise InputError(f"expand: seed {seed} is below 0; give a whole number from 0 on")
    source = studied(ratings)
    users, movies = blocks(source, rows)
    count = int(rows)
    refuse_without_room(out, form, count, users * movies)
    made = Expansion(source, shaped(source, count, seed), seed)
    facts = {
        "name": out.name,
        "made": f"ratecast data expand {name} --ratings {count} --seed {seed} --out {out}",
        "licence": f"that of {name} goes on holding",
        "rows": count,
    }
    say(f"Making {count:,} ratings of {users * source.users:,} users ...")
    write(made, out, form, facts)
    say(f"{out}: {count:,} ratings, made from {name}, whose licence goes on holding")
    return out
