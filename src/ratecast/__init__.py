"""ratecast predicts how many stars a user will give a movie, from the ratings known before.

>>> import ratecast as rc
>>> split = rc.chronological(rc.example_ratings())
>>> model = rc.MatrixFactorization(factors=4).fit(split.train, split.valid)
>>> model.predict([1, 2], [3, 4]).frame.shape[0]
2

Names are imported when they are first used, so that `import ratecast` costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

from ratecast.lazy_names import LazyNames

if TYPE_CHECKING:
    from ratecast.comparing import Comparison as Comparison
    from ratecast.comparing import compare as compare
    from ratecast.data import load as load
    from ratecast.data.example import example_ratings as example_ratings
    from ratecast.errors import InputError as InputError
    from ratecast.errors import MissingPackageError as MissingPackageError
    from ratecast.errors import NotFittedError as NotFittedError
    from ratecast.evaluation.evaluation import Evaluation as Evaluation
    from ratecast.evaluation.evaluation import cross_validate as cross_validate
    from ratecast.evaluation.evaluation import evaluate as evaluate
    from ratecast.evaluation.evaluation import score as score
    from ratecast.evaluation.evaluation import tune as tune
    from ratecast.evaluation.list_quality import ListQuality as ListQuality
    from ratecast.modelling.contract.forecast import Forecast as Forecast
    from ratecast.modelling.contract.model import Model as Model
    from ratecast.models import MODELS as MODELS
    from ratecast.models import load_model as load_model
    from ratecast.models.als.model import ALS as ALS
    from ratecast.models.attention.model import Attention as Attention
    from ratecast.models.auto import Auto as Auto
    from ratecast.models.bias import Bias as Bias
    from ratecast.models.blend.model import Blend as Blend
    from ratecast.models.cold_start.model import ColdStart as ColdStart
    from ratecast.models.factorization_machine.model import (
        FactorizationMachine as FactorizationMachine,
    )
    from ratecast.models.gaussian_process.model import GaussianProcess as GaussianProcess
    from ratecast.models.knn import KNN as KNN
    from ratecast.models.mean import Mean as Mean
    from ratecast.models.mf.model import MatrixFactorization as MatrixFactorization
    from ratecast.models.mf_bias.model import (
        BiasedMatrixFactorization as BiasedMatrixFactorization,
    )
    from ratecast.models.neumf.model import NeuMF as NeuMF
    from ratecast.models.state_space.model import StateSpace as StateSpace
    from ratecast.models.svdpp.model import SVDpp as SVDpp
    from ratecast.models.variational_mf.model import VariationalMF as VariationalMF
    from ratecast.out_of_core.fit import fit_out_of_core as fit_out_of_core
    from ratecast.queries.similar import similar as similar
    from ratecast.queries.together import together as together
    from ratecast.queries.top_n import top_n as top_n
    from ratecast.ratings import Ratings as Ratings
    from ratecast.ratings import Requests as Requests
    from ratecast.ratings import Scale as Scale
    from ratecast.splits import Split as Split
    from ratecast.splits import chronological as chronological
    from ratecast.splits import cut as cut
    from ratecast.splits import holdout as holdout
    from ratecast.splits import kfold as kfold
    from ratecast.splits import last_ratings as last_ratings
    from ratecast.splits import least_history as least_history
    from ratecast.splits import leave_one_out as leave_one_out
    from ratecast.splits import new_users as new_users
    from ratecast.splits import official as official
    from ratecast.splits import read_splits as read_splits
    from ratecast.splits import rolling_origin as rolling_origin
    from ratecast.splits import user_kfold as user_kfold
    from ratecast.splits import write_splits as write_splits
    from ratecast.training.model_factory import make_model as make_model
    from ratecast.workers.place import Ray as Ray

    __version__: str

_PLACES = {
    "comparing": ["Comparison", "compare"],
    "data": ["load"],
    "data.example": ["example_ratings"],
    "errors": ["InputError", "MissingPackageError", "NotFittedError"],
    "evaluation.evaluation": [
        "Evaluation",
        "cross_validate",
        "evaluate",
        "score",
        "tune",
    ],
    "evaluation.list_quality": ["ListQuality"],
    "modelling.contract.forecast": ["Forecast"],
    "modelling.contract.model": ["Model"],
    "models": ["MODELS", "load_model"],
    "out_of_core.fit": ["fit_out_of_core"],
    "models.als.model": ["ALS"],
    "models.attention.model": ["Attention"],
    "models.auto": ["Auto"],
    "models.bias": ["Bias"],
    "models.blend.model": ["Blend"],
    "models.cold_start.model": ["ColdStart"],
    "models.factorization_machine.model": ["FactorizationMachine"],
    "models.gaussian_process.model": ["GaussianProcess"],
    "models.knn": ["KNN"],
    "models.mean": ["Mean"],
    "models.mf.model": ["MatrixFactorization"],
    "models.mf_bias.model": ["BiasedMatrixFactorization"],
    "models.neumf.model": ["NeuMF"],
    "models.state_space.model": ["StateSpace"],
    "models.svdpp.model": ["SVDpp"],
    "models.variational_mf.model": ["VariationalMF"],
    "queries.similar": ["similar"],
    "queries.together": ["together"],
    "queries.top_n": ["top_n"],
    "ratings": ["Ratings", "Requests", "Scale"],
    "splits": [
        "Split",
        "chronological",
        "cut",
        "holdout",
        "kfold",
        "last_ratings",
        "least_history",
        "leave_one_out",
        "new_users",
        "official",
        "read_splits",
        "rolling_origin",
        "user_kfold",
        "write_splits",
    ],
    "training.model_factory": ["make_model"],
    "workers.place": ["Ray"],
}
_NAMES = LazyNames(__name__, _PLACES)

__all__ = sorted(_NAMES.names)  # noqa: PLE0605


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A public name, imported now; the version is read from what is installed."""
        if name == "__version__":
            from importlib.metadata import version

            return version("ratecast")
        return _NAMES.imported(name)


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
