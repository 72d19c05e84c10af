"""What a model was trained on, beside its artifact: for whoever shows the model."""

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.atomic_write import write_text
from ratecast.data.column_roles import NAMES, normalized
from ratecast.data.editions import EDITIONS
from ratecast.data.file_kind import PARQUET, kind_of
from ratecast.data.parts import table_sources
from ratecast.errors import InputError
from ratecast.ratings import MOVIE
from ratecast.table_options import TableOptions

# In the folder of the artifact; a model is restored without it.
FILE = "table.json"
_NAME = re.compile(r"[^\W\d][\w .-]*")


@dataclass(frozen=True)
class TrainedTable:
    """data: the edition, or the path of the table. item_column: the name of its column of movies.

    None where the name is not known. figures: train/rmse and valid/rmse, in stars, of the fit on
    the train part.
    """

    data: str
    item_column: str | None = None
    figures: dict[str, float] = field(default_factory=dict)

    def write(self, file: Path) -> None:
        """Write it to `file`, as JSON."""
        write_text(file, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, file: Path) -> "TrainedTable | None":
        """That in `file`; None if it is of another form."""
        try:
            plain: dict[str, Any] = json.loads(file.read_text("utf-8"))
            return cls(**plain)
        except (OSError, ValueError, TypeError):
            return None


def item_column(data: str, options: TableOptions) -> str | None:
    """The name of the column of movies in a table of your own; None where it is not known.

    Only the names of the columns are read.
    """
    if data in EDITIONS or options.wide or options.header is False:
        return None
    chosen = options.roles.get(MOVIE)
    if chosen is not None:
        return None if chosen.isdigit() else chosen
    plain = {normalized(name): name for name in reversed(_names(Path(data).expanduser(), options))}
    return next((plain[name] for name in NAMES[MOVIE] if name in plain), None)


def _names(path: Path, options: TableOptions) -> list[str]:
    """Names of columns: those of a Parquet file, or what the first line of a text has."""
    try:
        first = table_sources(path, options)[0]
        if kind_of(first, options.encoding) == PARQUET:
            return list(pl.read_parquet_schema(first.path))
        line = first.head().decode(options.encoding or "utf-8-sig", "replace").partition("\n")[0]
    except (InputError, OSError, LookupError, pl.exceptions.PolarsError):
        return []
    return [found.strip() for found in _NAME.findall(line)]
