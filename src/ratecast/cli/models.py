"""The verb that lists the models."""

from inspect import getdoc
from typing import Any

from ratecast.cli.call import emit


def models(*, json: bool = False) -> None:
    """List the models, one line each.

    A line has the model's name, its class and a description. Models from outside are listed too:
    those of installed packages (entry points of the group ratecast.models), and those named in the
    variable RATECAST_MODELS as package.module:Class, with commas between them.

    Examples:
        ratecast models
        ratecast models --json

    Args:
        json: print the result as one JSON document, with whether a model updates online.
    """
    from ratecast.models import MODELS, models_from_outside

    rows = [_row(name) for name in [*MODELS, *models_from_outside()]]
    names, classes = (max(len(row[key]) for row in rows) for key in ("model", "class"))
    lines = [
        f"{row['model']:<{names}}  {row['class']:<{classes}}  {row['description']}" for row in rows
    ]
    emit({"models": rows}, "\n".join(lines), json)


def _row(name: str) -> dict[str, Any]:
    from ratecast.models import model_class

    cls = model_class(name)
    return {
        "model": name,
        "class": cls.__name__,
        "updates_online": cls.updates_online(),
        "description": (getdoc(cls) or "").partition("\n")[0],
    }
