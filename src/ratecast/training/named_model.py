"""An unfitted model by its name alone, without the parser of experiments."""

from collections.abc import Sequence
from pathlib import Path

from ratecast.modelling.contract.model import Model
from ratecast.models import MODELS
from ratecast.training.model_factory import make_model


def model_from(source: str, seed: int, overrides: Sequence[str] = ()) -> Model:
    """The unfitted model of this name, or with the settings of this YAML file and `overrides`."""
    if source in MODELS and not overrides and not Path(source).exists():
        return make_model(source, seed=seed)
    # The parser takes a tenth of the time of an evaluation of a small table to import.
    from ratecast.training import experiment

    return experiment.model_from(source, seed, overrides)
