"""Checks of the setup: everything that ratecast needs, with the next step for each problem.

A check of something optional, such as an accelerator, cannot fail.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rich.console import Group

from ratecast.doctor import machine, packages, sources
from ratecast.doctor.check import Check
from ratecast.progress import bar

__all__ = ["Check", "examine", "facts", "shown"]


def examine(*, offline: bool = False) -> list[Check]:
    """Run every check; those of the network run beside the others."""
    with bar("checking the setup"), ThreadPoolExecutor(2) as pool:
        reached = [] if offline else [pool.submit(probe) for probe in sources.PROBES]
        checks = [*packages.examine(), *machine.examine(), *sources.cache_checks()]
        return checks + sources.with_verdict([future.result() for future in reached])


def facts(checks: Iterable[Check]) -> dict[str, Any]:
    """The checks as plain values: ok, failed, and every check under its group."""
    groups: dict[str, Any] = {}
    for check in checks:
        line = {"value": check.value, "ok": check.ok}
        groups.setdefault(check.group, {})[check.name] = line | (
            {"next": check.next_step} if check.next_step else {}
        )
    failed = [check for check in checks if check.ok is False]
    return {"ok": not failed, "failed": [check.name for check in failed], "checks": groups}


def shown(checks: Iterable[Check]) -> Group:
    """The checks for a terminal: a table, then what to do."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    group = ""
    for check in checks:
        if check.group != group:
            group = check.group
            table.add_row("", Text(group, "bold"), "")
        mark = {True: Text("✓", "green"), False: Text("✗", "red"), None: Text("·", "dim")}
        table.add_row(mark[check.ok], check.name, check.value)
    todo = [c for c in checks if c.next_step and c.ok is not True]
    failed = [f"✗ {c.name}: {c.next_step}" for c in todo if c.ok is False]
    hints = [f"· {c.name}: {c.next_step}" for c in todo if c.ok is None]
    verdict = "A required check fails:" if failed else "All required checks pass."
    return Group(table, "", Text(verdict, "bold"), *map(Text, [*failed, *hints]))
