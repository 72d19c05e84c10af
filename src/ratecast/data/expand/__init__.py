"""Growth: a table of any size that is like a small one, by fractal expansion."""

from pathlib import Path
from typing import Literal

from ratecast.data.expand.blocks import Expansion
from ratecast.data.expand.shape import shaped
from ratecast.data.expand.source import studied
from ratecast.data.expand.write import write
from ratecast.data.say import Say, to_stderr
from ratecast.ratings import Ratings

Form = Literal["parquet", "csv"]


def expand(
    ratings: Ratings,
    rows: int,
    out: Path,
    *,
    seed: int = 0,
    form: Form = "parquet",
    say: Say = to_stderr,
) -> Path:
    """Make exactly `rows` ratings like those of `ratings` in the new folder `out`.

    form: `parquet`, a canonical dataset in partitions, or `csv`, the layout of ml-25m. The same
    ratings, rows and seed give the same table. Raises `InputError` before the work starts where
    `out` holds something, or disk or memory would not do.
    """
    source = studied(ratings)
    made = Expansion(source, shaped(source, rows, seed), seed)
    write(made, Path(out), form, say)
    return Path(out)
