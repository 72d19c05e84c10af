"""Makes models by name, each with the trainer that it needs."""

from typing import Any

from ratecast.errors import InputError
from ratecast.modelling.contract import renamed
from ratecast.modelling.contract.model import Model
from ratecast.models import model_class
from ratecast.training.lazy_trainer import LazyTrainer


def make_model(name: str, *, seed: int = 0, **settings: Any) -> Model:
    """The model called `name`, not fitted, with its trainer where it needs one.

    settings: the model's own fields; `trainer` may be a dict of fields of `TrainerSettings`.
    Raises `InputError` for a setting that the model lacks.
    """
    made = model_class(name)
    settings = renamed.settings(made.name, settings)
    known = {field.name for field in made.__dataclass_fields__.values() if field.init}
    unknown = sorted(set(settings) - known)
    if unknown:
        allowed = ", ".join(sorted(known - {"seed"})) or "none"
        raise InputError(f"model {name}: no setting {unknown[0]!r}; settings are {allowed}")
    model = made(seed=seed, **settings)
    if "trainer" in known:
        model.train_net = LazyTrainer()  # type: ignore[attr-defined]
    return model
