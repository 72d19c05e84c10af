"""The verb that lists the models."""

from inspect import getdoc
from typing import Any

from ratecast.cli.call import emit

HEADER = ["model", "class", "description", "updates online", "star probabilities"]


def models(*, json: bool = False) -> None:
    """List the models, one line each.

    "updates online" says whether the model can take in new ratings without a new fit. The star
    probabilities are an ordered probit fitted to the forecasts, or the model's own.

    Examples:
        ratecast models
        ratecast models --json

    Args:
        json: print the result as one JSON document.
    """
    from ratecast.evaluation.terminal import terminal_table
    from ratecast.models import MODELS

    rows = [_row(name) for name in MODELS]
    cells = [
        [
            row["model"],
            row["class"],
            row["description"],
            "yes" if row["updates_online"] else "no",
            row["star_probabilities"],
        ]
        for row in rows
    ]
    emit({"models": rows}, terminal_table("Models", HEADER, cells), json)


def _row(name: str) -> dict[str, Any]:
    from ratecast.modelling.contract.model import Model
    from ratecast.models import model_class

    cls = model_class(name)
    own = cls.calibrate is not Model.calibrate
    return {
        "model": name,
        "class": cls.__name__,
        "description": (getdoc(cls) or "").partition("\n")[0],
        "updates_online": cls().updates_online(),
        "star_probabilities": "own" if own else "ordered probit",
    }
