"""The verb that lists the models."""

from inspect import getdoc
from typing import Any

from ratecast.cli.call import emit


def models(*, json: bool = False) -> None:
    """List the models, one line each.

    A line has the model's name, its class, whether it can take in new ratings without a new fit
    (online), how it gets the star probabilities (an ordered probit fitted to its forecasts, or its
    own), and a description.

    Examples:
        ratecast models
        ratecast models --json

    Args:
        json: print the result as one JSON document.
    """
    from ratecast.models import MODELS

    rows = [_row(name) for name in MODELS]
    names, classes = (max(len(row[key]) for row in rows) for key in ("model", "class"))
    lines = [
        f"{row['model']:<{names}}  {row['class']:<{classes}}  "
        f"{'online' if row['updates_online'] else '':<6}  {row['star_probabilities']:<6}  "
        f"{row['description']}"
        for row in rows
    ]
    emit({"models": rows}, "\n".join(lines), json)


def _row(name: str) -> dict[str, Any]:
    from ratecast.modelling.contract.model import Model
    from ratecast.models import model_class

    cls = model_class(name)
    return {
        "model": name,
        "class": cls.__name__,
        "updates_online": cls().updates_online(),
        "star_probabilities": "probit" if cls.calibrate is Model.calibrate else "own",
        "description": (getdoc(cls) or "").partition("\n")[0],
    }
