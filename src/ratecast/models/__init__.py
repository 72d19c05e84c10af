"""The table of models: names, and their classes (imported when they are needed)."""

import os
import sys
from importlib import import_module
from pathlib import Path

from ratecast import artifact
from ratecast.errors import InputError, choice
from ratecast.modelling.contract import renamed
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.restored import restored, with_new_names

# In the order of every table of results.
MODELS = {
    "mean": "ratecast.models.mean:Mean",
    "bias": "ratecast.models.bias:Bias",
    "mf": "ratecast.models.mf.model:MatrixFactorization",
    "mf_bias": "ratecast.models.mf_bias.model:BiasedMatrixFactorization",
    "neumf": "ratecast.models.neumf.model:NeuMF",
    "knn": "ratecast.models.knn:KNN",
    "als": "ratecast.models.als.model:ALS",
    "variational_mf": "ratecast.models.variational_mf.model:VariationalMF",
    "svdpp": "ratecast.models.svdpp.model:SVDpp",
    "attention": "ratecast.models.attention.model:Attention",
    "state_space": "ratecast.models.state_space.model:StateSpace",
    "cold_start": "ratecast.models.cold_start.model:ColdStart",
    "gaussian_process": "ratecast.models.gaussian_process.model:GaussianProcess",
    "factorization_machine": "ratecast.models.factorization_machine.model:FactorizationMachine",
    "blend": "ratecast.models.blend.model:Blend",
    "auto": "ratecast.models.auto:Auto",
}
# Where models from outside are named: by installed packages, and by whoever starts the process.
GROUP, VARIABLE = "ratecast.models", "RATECAST_MODELS"


def model_class(name: str) -> type[Model]:
    """The class of a model.

    name: a key of `MODELS`; a model from outside, by its key (an entry point of the group
    `ratecast.models`, or named in the variable RATECAST_MODELS); or package.module:Class. Raises
    `InputError` where there is none.
    """
    name = renamed.model_name(name)
    if name in MODELS:
        return _imported(MODELS[name])
    if ":" in name:
        return _imported(name)
    outside = models_from_outside()
    if name not in outside:
        hint = choice(name, [*MODELS, *outside], "give package.module:Class, or choose one of")
        raise InputError(f"model {name!r}: not known; {hint}")
    return _imported(outside[name])


def models_from_outside() -> dict[str, str]:
    """Models that are not part of ratecast: their keys, and package.module:Class of each."""
    # It takes a tenth of a second to import.
    from importlib.metadata import entry_points

    points = {point.name: point.value for point in entry_points(group=GROUP)}
    paths = [path.strip() for path in os.environ.get(VARIABLE, "").split(",")]
    try:
        return points | {_imported(path).name: path for path in paths if path}
    except InputError as error:
        raise InputError(f"{VARIABLE}: {error}") from None


def load_model(folder: Path | str) -> Model:
    """The fitted model that `Model.save` wrote into `folder`; needs no training data.

    A model from outside is found where it is an entry point of the group `ratecast.models`, is
    named in RATECAST_MODELS, or its class is imported already: a file never chooses what is
    imported.
    Raises `InputError` for a folder that holds no artifact, a model that is not found, and an
    artifact that is not whole or not of this model: a setting, an array or a table too many or too
    few.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import ratecast as rc
    >>> folder = Path(tempfile.mkdtemp()) / "artifact"
    >>> rc.Bias().fit(rc.example_ratings()).save(folder)
    >>> rc.load_model(folder).name
    'bias'
    """
    folder = Path(folder)
    saved = artifact.read(folder)
    about = {"model": str, "settings": dict, "scale": dict, "learned_from": str}
    if not all(isinstance(saved.meta.get(name), kind) for name, kind in about.items()):
        raise InputError(f"{folder}: is no artifact of a model; train again")
    saved = with_new_names(saved)
    cls = _saved_class(folder, saved.meta["model"], saved.meta.get("class", ""))
    return restored(cls, saved, folder)


def _saved_class(folder: Path, name: str, path: str) -> type[Model]:
    """The class of an artifact; path: its package.module:Class, which version 0.1 did not save."""
    if not path or path.startswith("ratecast."):
        return model_class(name)
    module, _, own = path.partition(":")
    imported = getattr(sys.modules.get(module), own, None)
    if isinstance(imported, type) and issubclass(imported, Model):
        return imported
    outside = models_from_outside()
    if outside.get(name) != path:
        raise InputError(
            f"{folder}: its model {name!r} is not part of ratecast; import "
            f"{module} first, or set {VARIABLE}={path}"
        )
    return _imported(path)


def _imported(path: str) -> type[Model]:
    """The class at package.module:Class. A module beside the working directory is found too."""
    module, _, name = path.partition(":")
    try:
        cls = getattr(_module(module), name)
    except SyntaxError as error:
        raise InputError(f"model {path}: {module} has a syntax error ({error})") from None
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            raise InputError(f"model {path}: {error}; write it as package.module:Class") from None
        raise InputError(
            f"model {path}: {module} imports {error.name}, which is not installed"
        ) from None
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"model {path}: {error}; write it as package.module:Class") from None
    if not (isinstance(cls, type) and issubclass(cls, Model)):
        raise InputError(f"model {path}: is no subclass of ratecast.Model; see docs/new-model.md")
    return cls


def _module(name: str) -> object:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        here = str(Path.cwd())
        if error.name != name.partition(".")[0] or here in sys.path:
            raise
    # The command line is started from where it is installed: a file of the user's lies here.
    sys.path.append(here)
    return import_module(name)
