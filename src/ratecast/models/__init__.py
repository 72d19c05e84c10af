"""The table of models: a name, and the class that bears it (imported when it is asked for)."""

from importlib import import_module
from pathlib import Path

from ratecast import artifact
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model

MODELS = {
    "mean": "ratecast.models.mean:Mean",
    "bias": "ratecast.models.bias:DampedBias",
    "forecast": "ratecast.models.state_space.model:StateSpace",
    "mf": "ratecast.models.mf.model:MatrixFactorization",
    "mf_bias": "ratecast.models.mf_bias.model:BiasedMatrixFactorization",
    "neumf": "ratecast.models.neumf.model:NeuMF",
    "knn": "ratecast.models.knn:ItemKnn",
    "als": "ratecast.models.als.model:ProbabilisticMF",
    "svdpp": "ratecast.models.svdpp.model:SVDpp",
    "bfm": "ratecast.models.factorization_machine.model:BayesianFM",
    "gp": "ratecast.models.gaussian_process.model:ItemGaussianProcess",
    "cold": "ratecast.models.cold_start.model:Newcomer",
    "blend": "ratecast.models.blend:Blend",
    "attention": "ratecast.models.attention.model:Attention",
}


def model_class(name: str) -> type[Model]:
    """The class of the model called `name`."""
    if name not in MODELS:
        raise InputError(f"model {name!r}: not known; choose one of {', '.join(MODELS)}")
    module, _, attribute = MODELS[name].partition(":")
    found: type[Model] = getattr(import_module(module), attribute)
    return found


def load_model(folder: Path) -> Model:
    """The fitted model that `Model.save` wrote into `folder`; needs no training data."""
    saved = artifact.read(folder)
    return model_class(saved.meta["model"])(**saved.meta["settings"]).restore(saved)
