"""The folder of a comparison: what was asked, the rows of the split, and every finished run."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from ratecast.atomic_write import write_text
from ratecast.errors import InputError
from ratecast.evaluation.forecast_files import read_forecasts, write_forecasts
from ratecast.evaluation.list_quality import ListQuality
from ratecast.evaluation.protocol import Protocol, Trial
from ratecast.evaluation.score_rows import Row
from ratecast.output_paths import check_folder
from ratecast.plain_json import plain
from ratecast.splits import Split, read_splits, write_splits
from ratecast.splits.files import file_name

MANIFEST = "manifest.json"
_LIBRARIES = ("numpy", "numba", "polars", "scipy")
_FORMAT = 1


class Run(NamedTuple):
    """One fit: a model by its label, a table by its name, one of its splits, and a seed."""

    model: str
    data: str
    split: str
    seed: int

    @property
    def name(self) -> str:
        """Of its files."""
        return file_name("_".join([self.model, self.split, f"seed{self.seed}"]))


@dataclass(frozen=True)
class RunFolder:
    """Where a comparison is kept, so that it can be resumed; each run appears whole or not at all.

    manifest.json: versions, settings and fingerprints. DATA/split: the rows. DATA/runs: the scores
    of each run. DATA/forecasts: the forecasts of each run, one file for each protocol. DATA/lists:
    the quality of its top-N lists, where it was measured.
    """

    path: Path

    def begin(self, asked: dict[str, Any], splits: dict[str, list[Split]]) -> None:
        """Write what is asked, or check that it is what the folder was begun with.

        asked: settings by name; of `models`, more may come later. splits: by the name of the table.
        Raises `InputError` if the settings, the version or the rows differ.
        """
        manifest = plain(
            {"format": _FORMAT, "ratecast": version("ratecast")}
            | asked
            | {"splits": {data: _fingerprints(each) for data, each in splits.items()}}
        )
        check_folder(self.path)
        path = self.path / MANIFEST
        if path.exists():
            manifest = self._same(json.loads(path.read_text("utf-8")), manifest)
        elif self.path.exists() and any(self.path.iterdir()):
            raise InputError(f"{self.path}: is not empty, and no comparison; give a new folder")
        for data, each in splits.items():
            if not self._of(data, "split").exists():
                write_splits(each, self._of(data, "split"))
        libraries = {name: version(name) for name in _LIBRARIES}
        write_text(path, json.dumps(manifest | {"libraries": libraries}, indent=1) + "\n")

    def splits(self, data: str) -> list[Split]:
        """The splits of a table."""
        return read_splits(self._of(data, "split"))

    def rows(self, run: Run) -> list[Row] | None:
        """The scores of a run; None if it was not finished."""
        path = self._of(run.data, "runs") / f"{run.name}.json"
        if not path.exists():
            return None
        rows: list[Row] = json.loads(path.read_text("utf-8"))
        return [_with_nan(row) for row in rows]

    def save(self, run: Run, trials: Sequence[Trial], rows: Sequence[Row]) -> None:
        """Keep a finished run: its forecasts and lists, and then its scores."""
        for trial in trials:
            write_forecasts([trial], self._forecasts(run, trial.protocol))
            if trial.lists:
                lists = {part: asdict(quality) for part, quality in trial.lists.items()}
                write_text(self._lists(run), json.dumps(plain(lists), indent=1) + "\n")
        path = self._of(run.data, "runs") / f"{run.name}.json"
        write_text(path, json.dumps(plain(list(rows)), indent=1) + "\n")

    def finished(self) -> list[tuple[str, str]]:
        """The folder's name of the table, and the name, of every finished run."""
        paths = sorted(self.path.glob("*/runs/*.json"))
        return [(path.parent.parent.name, path.stem) for path in paths]

    def lists(self, run: Run) -> dict[str, ListQuality]:
        """The quality of the lists of a finished run, by part; empty if it was not measured."""
        path = self._lists(run)
        if not path.exists():
            return {}
        kept: dict[str, Row] = json.loads(path.read_text("utf-8"))
        return {part: ListQuality(**_with_nan(quality)) for part, quality in kept.items()}

    def trials(self, run: Run, split: Split) -> list[Trial]:
        """The forecasts of a finished run."""
        both: tuple[Protocol, ...] = ("frozen", "as-of")
        kept = [by for by in both if self._forecasts(run, by).exists()]
        return [read_forecasts(self._forecasts(run, by), split, by, run.model) for by in kept]

    def _of(self, data: str, kind: str) -> Path:
        return self.path / file_name(data) / kind

    def _forecasts(self, run: Run, by: Protocol) -> Path:
        return self._of(run.data, "forecasts") / f"{run.name}_{by}.parquet"

    def _lists(self, run: Run) -> Path:
        return self._of(run.data, "lists") / f"{run.name}.json"

    def _same(self, known: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
        """The manifest with models and tables of both. Raises for what differs in both."""
        merged = dict(now)
        for key, value in now.items():
            before = known.get(key)
            if key in ("models", "splits") and isinstance(before, dict):
                for name in before.keys() & value.keys():
                    self._refuse(before[name], value[name], f"{key.removesuffix('s')} {name}")
                merged[key] = before | value
            elif key != "seeds":
                self._refuse(before, value, key)
        return merged

    def _refuse(self, before: object, now: object, what: str) -> None:
        if before != now:
            words = "" if len(f"{before}{now}") > 120 else f" ({before}, now {now})"
            raise InputError(
                f"{self.path}: was begun with another {what}{words}; give a new folder, or the "
                "same again"
            )


def _with_nan(row: Row) -> Row:
    """As it was before JSON, which has no NaN."""
    return {key: float("nan") if value is None else value for key, value in row.items()}


def _fingerprints(splits: Sequence[Split]) -> dict[str, dict[str, str]]:
    return {
        split.name: {part: rows.fingerprint() for part, rows in split.parts.items()}
        for split in splits
    }
