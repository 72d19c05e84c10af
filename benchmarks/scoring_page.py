"""The figures of benchmarks/scoring.json for docs/scale.md."""

from typing import Any

from benchmarks.records import measured_at

MARKS = "<!-- figures: written by `python -m benchmarks.scoring` -->", "<!-- /figures -->"


def section(results: dict[str, Any]) -> str:
    """The figures for a page."""
    machine, table = results["machine"], results["table"]
    lines = [
        f"{measured_at(results)} A copy moves {machine['copies_gb_per_second']:.1f} GB a second; "
        f"{table['ratings']:,} ratings of {table['users']:,} users and {table['movies']:,} movies; "
        "64 factors.",
        "",
        "| what | measured | a plain way | times |",
        "| --- | ---: | ---: | ---: |",
    ]
    return "\n".join(lines + [_line(name, each) for name, each in results["figures"].items()])


def _line(name: str, each: dict[str, Any]) -> str:
    plain, value = each.get("plain"), each["value"]
    if plain is None:
        return f"| {name} | {_said(value)} {each['unit']} | | |"
    times = plain / value if each["unit"] == "ms" else value / plain
    return f"| {name} | {_said(value)} {each['unit']} | {_said(plain)} | {times:,.1f} |"


def _said(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
