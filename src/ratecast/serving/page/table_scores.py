"""The scores of models on the served table, from a folder that `ratecast compare` wrote."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ratecast.errors import InputError

FILE = "results.json"
# Key, heading and decimals; RMSE has a column for each protocol.
_FIGURES = (("mae", "MAE", 4), ("nll", "NLL", 4), ("ece", "ECE", 4), ("fit_seconds", "fit", 1))


@dataclass(frozen=True)
class Column:
    """A column of a table of scores. protocol, part: of the row. key: which figure of the row."""

    title: str
    note: str
    protocol: str
    part: str
    key: str
    digits: int = 4


Line = tuple[str, list[float | None]]


@dataclass(frozen=True)
class TableScores:
    """The rows of a comparison, over all rows of their part."""

    rows: list[dict[str, Any]]

    def of(self, data: str | None) -> "TableScores":
        """Those of the table of this name; of the only one, if no name is known."""
        names = {row["data"] for row in self.rows}
        if data is None:
            return self if len(names) == 1 else TableScores([])
        name = Path(data).name
        return TableScores([row for row in self.rows if Path(row["data"]).name == name])

    @property
    def part(self) -> str:
        """The part that the scores are of: test, if the comparison has it."""
        return "test" if any(row["part"] == "test" for row in self.rows) else "valid"

    def columns(self) -> list[Column]:
        """RMSE by each protocol, and further figures by the one that updates the models."""
        part = self.part
        present = {row["protocol"] for row in self.rows if row["part"] == part}
        protocols = [name for name in ("as-of", "frozen") if name in present]
        first = [Column(name, f"{part} RMSE", name, part, "rmse") for name in protocols]
        main = protocols[0]
        units = {"fit_seconds": "seconds"}
        rest = [
            Column(title, units.get(key, f"{main}, {part}"), main, part, key, digits)
            for key, title, digits in _FIGURES
        ]
        return [*first, *rest]

    def lines(self, columns: list[Column]) -> list[Line]:
        """One line per model: its name, and one figure per column."""
        by_key = {(row["model"], row["protocol"], row["part"]): row for row in self.rows}

        def figure(name: str, column: Column) -> float | None:
            value = by_key.get((name, column.protocol, column.part), {}).get(column.key)
            return None if value is None else float(value)

        names = dict.fromkeys(row["model"] for row in self.rows)
        return [(name, [figure(name, column) for column in columns]) for name in names]


def read_scores(folder: Path) -> TableScores:
    """The scores in a folder. Raises `InputError` if it is none that `ratecast compare` wrote."""
    file = folder.expanduser() / FILE
    try:
        rows = orjson.loads(file.read_bytes())["rows"]
        return TableScores([row for row in rows if row["slice"] == "all" and row["data"]])
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError(
            f"{folder}: has no {FILE} that ratecast compare wrote; give --comparison such a folder"
        ) from None
