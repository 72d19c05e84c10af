"""Creates models by name, with their trainer."""

from dataclasses import fields
from typing import Any

from ratecast.errors import InputError, choice
from ratecast.modelling.contract import renamed
from ratecast.modelling.contract.model import Model
from ratecast.models import model_class


def make_model(name: str, *, seed: int = 0, **settings: Any) -> Model:
    """The unfitted model called `name`, with a trainer if it has a net.

    settings: fields of the model; `trainer` may be a dict of fields of `TrainerSettings`.
    Raises `InputError` for an unknown model or setting.

    >>> import ratecast as rc
    >>> rc.make_model("bias", user_damping=4.0).user_damping
    4.0
    """
    cls = model_class(name)
    settings = renamed.settings(cls.name, settings)
    known = {field.name for field in fields(cls) if field.init}
    unknown = sorted(set(settings) - known)
    if unknown:
        hint = choice(unknown[0], sorted(known - {"seed"}) or ["none"], "settings are")
        raise InputError(f"model {name}: no setting {unknown[0]!r}; {hint}")
    return cls(seed=seed, **settings)
