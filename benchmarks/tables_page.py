"""docs/tables.md: the figures of benchmarks/tables.json between its marks."""

import json
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from benchmarks.environment import ROOT
from benchmarks.marks import with_section
from benchmarks.records import Record, versions, where
from ratecast.atomic_write import write_text

RESULTS, PAGE = ROOT / "benchmarks" / "tables.json", ROOT / "docs" / "tables.md"
MARKS = "<!-- tables -->", "<!-- end of tables -->"
FIRST = "ratecast"
AUTO = "ratecast auto"


def read() -> Record:
    """Every table that was measured."""
    results: Record = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return results


def save(name: str, section: Record) -> None:
    """Put one table into the results, beside the others."""
    write_text(RESULTS, json.dumps(read() | {name: section}, indent=1) + "\n")


def of_peers(name: str) -> list[Record]:
    """What was measured of others than ratecast."""
    rows: list[Record] = read().get(name, {}).get("rows", [])
    return [row for row in rows if not row["method"].startswith(FIRST)]


def write() -> None:
    """The page anew."""
    write_text(PAGE, rendered(PAGE.read_text("utf-8"), read()))


def rendered(page: str, results: Record) -> str:
    """The page with every table between its marks."""
    text = "\n\n".join([in_short(results), *(section(n, s) for n, s in results.items())])
    return with_section(page, MARKS, text)


def in_short(results: Record) -> str:
    """One line a table and protocol: `auto`, which sees no test row, beside the best of the others.

    Of the others it is the best on test, so that the comparison is never too good for ratecast.
    """
    rows = ["| table | protocol | ratecast auto | best of the others | test | ahead by |"]
    rows += ["| --- | --- | ---: | --- | ---: | ---: |"]
    for name, part in results.items():
        for about, group in _groups(part):
            ours = next((r for r in group if r["method"] == AUTO and "rmse" in r), None)
            others = _best_of_others(group)
            if ours is None or others is None:
                continue
            share = 1 - ours["rmse"]["test"] / others["rmse"]["test"]
            cells = (
                name, about, _four(ours), others["method"], _four(others), f"{share:+.1%}",
            )  # fmt: skip
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def section(name: str, part: Record) -> str:
    """One table of ratings: every method, best first, on each split and protocol."""
    lines = [f"## {name}", "", f"{where(part)}. {versions(part)} From {part['source']}."]
    for about, group in _groups(part):
        lines += ["", f"### {name}: {about}", ""]
        lines += ["| method | valid | test | NLL | 80 % interval | CPU s | chosen |"]
        lines += ["| --- | ---: | ---: | ---: | ---: | ---: | --- |", *map(_row, _in_order(group))]
    return "\n".join(lines)


def _groups(part: Record) -> Iterator[tuple[str, list[Record]]]:
    """The rows of each split and protocol; a row of ratecast has a figure of every protocol."""
    rows = [
        {"method": row["method"], "split": row["split"], "protocol": by} | figures
        for row in part["rows"]
        for by, figures in row.get("by", {row.get("protocol", "frozen"): row}).items()
    ]
    in_order = sorted(rows, key=lambda row: (row["split"] != "random", row["protocol"] != "frozen"))
    for (split, protocol), group in groupby(in_order, key=itemgetter("split", "protocol")):
        yield f"{split}, {protocol}", list(group)


def _in_order(group: list[Record]) -> list[Record]:
    return sorted(group, key=lambda row: row.get("rmse", {}).get("test", float("inf")))


def _best_of_others(group: list[Record]) -> Record | None:
    rows = [row for row in _in_order(group) if "rmse" in row]
    return next((row for row in rows if not row["method"].startswith(FIRST)), None)


def _row(row: Record) -> str:
    if "failed" in row:
        return f"| {row['method']} | {row['failed'].replace('|', ' ')} | | | | | |"
    test = [row[name]["test"] for name in ("nll", "coverage") if name in row]
    more = [f"{test[0]:.3f}", f"{test[1]:.2f}"] if test else ["", ""]
    valid = f"{row['rmse']['valid']:.4f}" if "valid" in row["rmse"] else ""
    name = f"**{row['method']}**" if row["method"].startswith(FIRST) else row["method"]
    cells = [name, valid, _four(row), *more, f"{row['cpu']:.0f}", _chosen(row.get("settings", {}))]
    return f"| {' | '.join(cells)} |"


def _four(row: Record) -> str:
    return f"{row['rmse']['test']:.4f}"


def _chosen(settings: Record) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items() if name != "model")
