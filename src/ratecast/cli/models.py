"""The verb that lists the models."""

from inspect import getdoc
from typing import Any

from ratecast.cli.call import emit

_COLUMNS = ("model", "needs", "frozen", "as-of", "description")


def models(*, json: bool = False) -> None:
    """List the models: what they need, reach and are.

    A line has the model's name, the extra of ratecast that a fit of it needs, its RMSE on the test
    part of MovieLens 100K, frozen and as-of, where that is known, and a description. Models from
    outside are listed too: those of installed packages (entry points of the group
    ratecast.models), and those named in the variable RATECAST_MODELS as package.module:Class, with
    commas between them.

    Examples:
        ratecast models
        ratecast models --json

    Args:
        json: print the result as one JSON document, with the class of each model, and whether it
            updates online.
    """
    from ratecast.models import MODELS, models_from_outside

    rows = [_row(name) for name in [*MODELS, *models_from_outside()]]
    emit({"models": rows}, "\n".join(_lines(rows)), json)


def _row(name: str) -> dict[str, Any]:
    from ratecast.models import model_class
    from ratecast.published_results import test_rmse

    cls = model_class(name)
    return {
        "model": name,
        "class": cls.__name__,
        "updates_online": cls.updates_online(),
        "needs": cls.extra,
        "rmse": {each: test_rmse(each).get(name) for each in ("frozen", "as-of")},
        "description": (getdoc(cls) or "").partition("\n")[0],
    }


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    """A table: a heading, then a line for each model."""
    cells = [_COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    figures = ("" if rmse is None else f"{rmse:.4f}" for rmse in row["rmse"].values())
    return (row["model"], row["needs"] or "", *figures, row["description"])
