"""The curve parts as tables: seconds to the best RMSE that any peer reaches."""

from benchmarks.curve import Curve, Point, curves, target
from benchmarks.records import Record, measured_at, versions
from benchmarks.settings_text import tried_text

COLUMNS = (
    "method", "best RMSE: valid", "test", "epochs", "seconds", "threads", "seconds to the target",
    "epochs",
)  # fmt: skip


def curve_table(section: Record) -> str:
    """One line a method: its own best, and how soon it reaches the best of the peers."""
    found = curves(section)
    about = [f"{measured_at(section)} {versions(section)}", ""]
    if (goal := target(found)) is None:
        return "\n".join([*about, "No peer was measured."])
    rows = [f"| {' | '.join(COLUMNS)} |", "| --- |" + " ---: |" * (len(COLUMNS) - 1)]
    rows += [_row(curve, goal[1]) for curve in found]
    return "\n".join([*about, *_in_words(found, goal), "", *rows, *_tried(section)])


def _tried(section: Record) -> list[str]:
    """The settings of each curve, where there was a choice."""
    rows = [row for row in section["rows"] if len(row.get("tried", [])) > 1]
    if not rows:
        return []
    lines = [
        "",
        "The settings of each curve are those of the lowest RMSE at any of its points:",
        "",
    ]
    return lines + [f"- {row['method']}: {tried_text(row['tried'])}." for row in rows]


def _in_words(found: list[Curve], goal: tuple[Curve, Point]) -> list[str]:
    peer, best = goal
    lines = [
        f"The target, the best RMSE of any peer on validation: **{best.valid:.4f}**, by "
        f"{peer.method.name} after {best.epochs} epochs and {best.seconds:.1f} s of fit.",
        "",
    ]
    for curve in found:
        reached = curve.reaching(best.valid) if curve.ours else None
        if reached:
            lines.append(
                f"- {curve.method.name} reaches it in **{reached.seconds:.1f} s** "
                f"({reached.epochs} epochs): {_share(reached, best)}."
            )
        elif curve.ours and curve.points:
            lines.append(f"- {curve.method.name} does not reach it.")
    return lines


def _share(reached: Point, best: Point) -> str:
    """As a fraction of the peer's time where it is one."""
    ratio = best.seconds / reached.seconds
    return f"1/{ratio:.1f} of that time" if ratio >= 1 else f"{1 / ratio:.1f} times that time"


def _row(curve: Curve, goal: Point) -> str:
    name = curve.method.name
    if not curve.points:
        return f"| {name} | {curve.failed} |" + " |" * (len(COLUMNS) - 2)
    best, reached = curve.best, curve.reaching(goal.valid)
    cells = [name, f"{best.valid:.4f}", f"{best.test:.4f}", str(best.epochs)]
    cells += [f"{best.seconds:.1f}", f"{curve.used:.1f} of {curve.threads}"]
    cells += [f"{reached.seconds:.1f}", str(reached.epochs)] if reached else ["not reached", ""]
    return f"| {' | '.join(cells)} |"
