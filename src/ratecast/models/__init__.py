"""The table of models: a name, and the class that bears it (imported when it is asked for)."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from ratecast import artifact
from ratecast.errors import InputError
from ratecast.modelling.contract import renamed
from ratecast.modelling.contract.model import Model

MODELS = {
    "mean": "ratecast.models.mean:Mean",
    "bias": "ratecast.models.bias:Bias",
    "state_space": "ratecast.models.state_space.model:StateSpace",
    "mf": "ratecast.models.mf.model:MatrixFactorization",
    "mf_bias": "ratecast.models.mf_bias.model:BiasedMatrixFactorization",
    "neumf": "ratecast.models.neumf.model:NeuMF",
    "knn": "ratecast.models.knn:KNN",
    "als": "ratecast.models.als.model:ALS",
    "svdpp": "ratecast.models.svdpp.model:SVDpp",
    "factorization_machine": "ratecast.models.factorization_machine.model:FactorizationMachine",
    "gaussian_process": "ratecast.models.gaussian_process.model:GaussianProcess",
    "cold_start": "ratecast.models.cold_start.model:ColdStart",
    "blend": "ratecast.models.blend:Blend",
    "attention": "ratecast.models.attention.model:Attention",
}


def model_class(name: str) -> type[Model]:
    """The class of the model called `name`."""
    name = renamed.model_name(name)
    if name not in MODELS:
        raise InputError(f"model {name!r}: not known; choose one of {', '.join(MODELS)}")
    module, _, attribute = MODELS[name].partition(":")
    cls: type[Model] = getattr(import_module(module), attribute)
    return cls


def load_model(folder: Path) -> Model:
    """The fitted model that `Model.save` wrote into `folder`; needs no training data."""
    saved = artifact.read(folder)
    name = renamed.MODELS.get(saved.meta["model"], saved.meta["model"])
    settings = renamed.settings(name, saved.meta["settings"], quiet=True)
    saved = replace(saved, arrays=renamed.arrays(name, saved.arrays))
    return model_class(name)(**settings).restore(saved)
