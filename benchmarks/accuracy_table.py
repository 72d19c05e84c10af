"""The accuracy part as tables: peers as they are and tuned, beside ratecast, and who is ahead."""

import json
from statistics import mean
from typing import Any

from benchmarks.environment import ROOT
from benchmarks.records import Record, versions, where

REPRODUCED = ROOT / "results" / "reproduce.json"


def accuracy_table(section: Record) -> str:
    """Every peer as it is and tuned, beside ratecast."""
    return "\n".join(
        [
            f"{where(section)}. {versions(section)}", "", "Frozen, clipped RMSE:", "",
            "| method | own: valid | own: test | tuned: valid | tuned: test | own: u1 | "
            "own: u1 to u5 | tuned: u1 | tuned: u1 to u5 |",
            "| --- |" + " ---: |" * 8,
            *map(_frozen_row, _peers(section, "frozen")),
            *_our_rows(section, "frozen"),
            "", *ahead(section), "", "As-of, strictly earlier ratings only:", "",
            "| method | own: valid | own: test | tuned: valid | tuned: test |",
            "| --- |" + " ---: |" * 4,
            *map(_walked_row, _peers(section, "as-of")),
            *_our_rows(section, "as-of"),
        ]
    )  # fmt: skip


def _peers(section: Record, protocol: str) -> list[Record]:
    return [row for row in section["rows"] if row.get("protocol") == protocol]


def _walked_row(row: Record) -> str:
    if "failed" in row:
        return f"| {row['method']} | {row['failed']} | | | |"
    return f"| {row['method']} | " + " | ".join(_by_time(row)) + " |"


def _by_time(row: Record) -> list[str]:
    return [
        f"{row[kind]['by_time'][p]:.4f}" for kind in ("own", "tuned") for p in ("valid", "test")
    ]


def _frozen_row(row: Record) -> str:
    if "failed" in row:
        return f"| {row['method']} | {row['failed']} |" + " |" * 7
    folds = [row[kind]["folds"] for kind in ("own", "tuned")]
    cells = _by_time(row) + [f"{x:.4f}" for each in folds for x in (each[0], mean(each))]
    return f"| {row['method']} | " + " | ".join(cells) + " |"


def _our_rows(section: Record, protocol: str) -> list[str]:
    """Models of ratecast: by time from the results of `make reproduce`, the folds from here."""
    return [_our_row(section, name, protocol) for name in _models(section)]


def _our_row(section: Record, method: str, protocol: str) -> str:
    by_time = _reproduced(method.removeprefix("ratecast "), protocol)
    cells = ["", "", f"{by_time['valid']:.4f}", f"{by_time['test']:.4f}"]
    if protocol == "frozen":
        folds = _folds(section, method)
        cells += ["", "", f"{folds[0]:.4f}", f"{mean(folds):.4f}"]
    return f"| {method} | " + " | ".join(cells) + " |"


def ahead(section: Record) -> list[str]:
    """Which tuned peers forecast better than which models of ratecast, frozen."""
    peers = [row for row in _peers(section, "frozen") if "tuned" in row]
    by_time = {row["method"]: row["tuned"]["by_time"]["test"] for row in peers}
    on_folds = {row["method"]: mean(row["tuned"]["folds"]) for row in peers}
    sentences = []
    for name in _models(section):
        test = _reproduced(name.removeprefix("ratecast "), "frozen")["test"]
        places = [f"on the test by time {', '.join(_below(by_time, test))}"]
        places += [f"on the folds {', '.join(_below(on_folds, mean(_folds(section, name))))}"]
        sentences.append(f"- Peers ahead of {name}: {'; '.join(places)}.")
    return sentences


def _below(figures: dict[str, float], rmse: float) -> list[str]:
    return [name for name, figure in figures.items() if figure < rmse] or ["none"]


def _models(section: Record) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in section["rows"] if "fold" in row))


def _folds(section: Record, method: str) -> list[float]:
    rows = section["rows"]
    return [row["rmse"]["test"] for row in rows if row["method"] == method and "fold" in row]


def _reproduced(model: str, protocol: str) -> dict[str, float]:
    rows: list[dict[str, Any]] = json.loads(REPRODUCED.read_text("utf-8"))["rows"]
    return {
        row["part"]: row["rmse"]
        for row in rows
        if (row["model"], row["protocol"], row["split"], row["slice"])
        == (model, protocol, "chronological", "all")
    }
