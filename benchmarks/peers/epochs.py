"""One epoch of the models that are trained by epochs, on one thread: how its cost grows."""

import resource
import time
from collections.abc import Callable
from typing import Any

from lightning import Callback

from benchmarks.peers import Settings, ours
from benchmarks.peers.table import Predict
from ratecast.modelling.contract.model import Model
from ratecast.modelling.history.user_history import RatingColumns
from ratecast.modelling.nets.net_model import NetModel
from ratecast.models.state_space import model as state_space
from ratecast.models.state_space.em import em_iteration
from ratecast.ratings import Ratings
from ratecast.training import make_model
from ratecast.training.lightning_trainer import LightningTrainer

load = ours.load
facts: dict[str, float] = {}
FEW = 10_000


def fit(train: Ratings, settings: Settings) -> Predict:
    """One epoch on every rating; nothing is held back to find how many there should be.

    Of `state_space`, one iteration of EM on all ratings, without the walk over train before it.
    What is compiled or started once is left out: a few rows are learned before.
    """
    _learned(train.take(slice(0, FEW)), settings["model"])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = _learned(train, settings["model"])
    added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    facts["bytes_a_rating"] = added * 1024 / len(train)
    return ours.predictor(model)


def _learned(train: Ratings, name: str) -> Model:
    if name == "state_space":
        vars(state_space)["em_iteration"] = _timed(em_iteration)
        return _OnlyEM(iterations=1).refit(train)
    model = make_model(name)
    assert isinstance(model, NetModel)
    model.train_net, model.epochs = LightningTrainer(callbacks=[_Stopwatch()]), 1
    return model.refit(train)


class _OnlyEM(state_space.StateSpace):
    """Only what it learns by EM, without the trees on its residuals."""

    def _collect_residuals(self, ratings: RatingColumns) -> None:
        return

    def _fit_trees(self) -> None:
        return


class _Stopwatch(Callback):
    """Seconds of the last epoch, without what a trainer does before and after."""

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start."""
        self._start = time.perf_counter()

    def on_train_epoch_end(self, *_: Any) -> None:
        """Stop."""
        facts["epoch_seconds"] = time.perf_counter() - self._start


def _timed(work: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*given: Any) -> Any:
        start = time.perf_counter()
        result = work(*given)
        facts["epoch_seconds"] = time.perf_counter() - start
        return result

    return timed
