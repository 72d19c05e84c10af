"""Is the machine ready? What ratecast needs, looked at in one go, with the next step of each fault.

A check that is not needed for the work at hand, as an accelerator, cannot fail.
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
    """Every check; those of the network at the same time as the others."""
    with bar("looking at the setup"), ThreadPoolExecutor(2) as pool:
        reached = [] if offline else [pool.submit(probe) for probe in sources.PROBES]
        checks = [*packages.examine(), *machine.examine(), *sources.kept()]
        return checks + sources.judged([future.result() for future in reached])


def facts(checks: Iterable[Check]) -> dict[str, Any]:
    """As plain values: ok, and every check under its group."""
    groups: dict[str, Any] = {}
    for check in checks:
        line = {"value": check.value, "ok": check.ok}
        groups.setdefault(check.group, {})[check.name] = line | (
            {"next": check.next_step} if check.next_step else {}
        )
    failed = [check for check in checks if check.ok is False]
    return {"ok": not failed, "failed": [check.name for check in failed], "checks": groups}


def shown(checks: Iterable[Check]) -> Group:
    """For a terminal: a table, then what to do."""
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
    verdict = "Something that is needed fails:" if failed else "All that is needed works."
    return Group(table, "", Text(verdict, "bold"), *map(Text, [*failed, *hints]))
