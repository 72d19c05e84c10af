"""Trains a net by workers of a Ray cluster, which take every step together.

Each worker has the whole of the ratings and a part of each batch; the gradients are averaged. So a
step is that of the whole batch, as on one machine; other sums, and other numbers drawn in dropout.
"""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import Logger
from numpy.typing import NDArray
from ray.exceptions import RayError
from ray.train import RunConfig, ScalingConfig, TrainingFailedError
from ray.train.lightning import RayDDPStrategy, RayLightningEnvironment, prepare_trainer
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2.api.config import FailureConfig

from ratecast.errors import InputError
from ratecast.modelling.nets.base import RatingNet
from ratecast.modelling.nets.net_model import TrainingTask
from ratecast.progress import Bar, bar, silent
from ratecast.training.best_epoch import WATCHED
from ratecast.training.lightning_trainer import LightningTrainer
from ratecast.training.module import NetModule
from ratecast.training.optimizer import sum_repeated_rows
from ratecast.workers import Served, Shared
from ratecast.workers.ray_pool import RETRIES, RayPool, first_line, say

# In the folder of the run; Ray Train writes there, and needs a folder that all nodes share.
SCRATCH = ".ray"
_SECONDS = 0.3


@dataclass
class RayTrainer:
    """The `TrainNet` by the workers of a pool. logger, folder, history: as of `LightningTrainer`.

    A worker or node that ends costs the epoch: all begin again with the last one that is on disk.
    folder: all nodes share it.
    """

    pool: RayPool
    logger: Logger
    folder: Path
    history: list[dict[str, float]] = field(default_factory=list, init=False)

    def __call__(self, net: RatingNet, task: TrainingTask) -> int:
        """Train `net` in place; returns the number of epochs of its final weights."""
        epochs = self.pool.serve(Epochs())
        given = Given(self.pool.share((net, task)), self.folder, epochs)
        self.history = []
        with self._scratch() as scratch:
            trainer = self._trainer(task, given, scratch)
            found = self._watched(trainer, task, epochs)
        if isinstance(found, InputError):
            raise found
        net.load_state_dict({name: torch.tensor(x) for name, x in found.weights.items()})
        return found.epochs

    def _trainer(self, task: TrainingTask, given: "Given", scratch: Path) -> TorchTrainer:
        cores = {"CPU": float(self.pool.threads)}
        # Without limits it would try for ever.
        again = FailureConfig(max_failures=RETRIES, controller_failure_limit=RETRIES)
        return TorchTrainer(
            train_parts,
            train_loop_config={"given": given},
            torch_config=TorchConfig(backend="gloo"),
            scaling_config=ScalingConfig(num_workers=self.pool.count, resources_per_worker=cores),
            run_config=RunConfig(name=task.stage, storage_path=str(scratch), failure_config=again),
        )

    def _watched(
        self, trainer: TorchTrainer, task: TrainingTask, epochs: Served
    ) -> "Trained | InputError":
        """What the workers give back; their epochs are shown and logged meanwhile."""
        # In the main thread Ray would take Ctrl-C for itself.
        found, begun = _in_thread(trainer), 1
        with bar("training", task.epochs or task.settings.epochs, unit="epochs") as progress:
            done = False
            while not done:
                done = _ended(found)
                if epochs.call("begun") > begun:
                    begun += 1
                    say("training: a worker was lost; all go on after the last epoch on the disk")
                self._log(epochs.call("after", len(self.history)), task, progress)
        self.logger.finalize("success")
        return found.result()

    def _log(self, epochs: "list[Epoch]", task: TrainingTask, progress: Bar) -> None:
        steps = task.train.steps(task.settings.batch_size)
        for epoch in epochs:
            self.history.append(epoch.figures)
            numbered = epoch.figures | {"epoch": epoch.number - 1}
            self.logger.log_metrics(numbered, epoch.number * steps - 1)
            rmse = epoch.figures.get(WATCHED)
            label = "training" if rmse is None else f"training, valid RMSE {rmse:.4f}"
            progress.change(label=label, done=epoch.number)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        folder = self.folder / SCRATCH
        # Of a run that was killed.
        shutil.rmtree(folder, ignore_errors=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class Epoch(NamedTuple):
    """An epoch that has ended. number: from 1."""

    number: int
    figures: dict[str, float]


class Epochs:
    """The epochs that have ended, in their order; one that is repeated is as it was."""

    def __init__(self) -> None:
        self._epochs: list[Epoch] = []
        self._begun = 0

    def begin(self) -> None:
        """Count a beginning: the first one, and each after a worker has ended."""
        self._begun += 1

    def begun(self) -> int:
        """The number of beginnings."""
        return self._begun

    def add(self, epoch: Epoch) -> None:
        """Add one, unless it is known."""
        if not self._epochs or epoch.number > self._epochs[-1].number:
            self._epochs.append(epoch)

    def after(self, count: int) -> list[Epoch]:
        """Those after the first `count`."""
        return self._epochs[count:]


class Given(NamedTuple):
    """What a worker is given. what: the net and the task. folder: of checkpoints."""

    what: Shared[tuple[RatingNet, TrainingTask]]
    folder: Path
    epochs: Served


class Trained(NamedTuple):
    """The final weights, no tensors, which Ray would refuse; and after how many epochs."""

    weights: dict[str, NDArray[Any]]
    epochs: int


def train_parts(config: dict[Any, Any]) -> Any:
    """What each worker does. Gives `Trained`, or an `InputError`, which each try would raise."""
    given: Given = config["given"]
    net, task = given.what.value()
    options = {
        "accelerator": "cpu",
        # No buffer of a net changes in training.
        "strategy": RayDDPStrategy(broadcast_buffers=False),  # type: ignore[no-untyped-call]
        "plugins": [RayLightningEnvironment()],  # type: ignore[no-untyped-call]
        "use_distributed_sampler": False,
    }
    callbacks = [RowSums(), Reporting(given.epochs)]
    trainer = _PartTrainer(folder=given.folder, callbacks=callbacks, options=options)
    with silent():
        try:
            epochs = trainer(net, task)
        except InputError as error:
            return error
    return Trained({name: x.numpy() for name, x in net.state_dict().items()}, epochs)


class _PartTrainer(LightningTrainer):
    """With the strategy of Ray."""

    def _trainer(self, *given: Any) -> Trainer:
        trainer: Trainer = prepare_trainer(super()._trainer(*given))
        return trainer


class RowSums(Callback):
    """Has the gradients of a row summed as without a cluster, before they are sent."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with it."""
        sum_repeated_rows(pl_module)


class Reporting(Callback):
    """Reports each epoch to the driver, when its figures are there."""

    def __init__(self, epochs: Served) -> None:
        self._epochs, self._reported = epochs, 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report a beginning."""
        if trainer.is_global_zero:
            self._epochs.call("begin")

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the epoch before."""
        self._report(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the last one."""
        self._report(trainer, pl_module)

    def _report(self, trainer: Trainer, module: LightningModule) -> None:
        assert isinstance(module, NetModule)
        if trainer.is_global_zero and len(module.history) > self._reported:
            self._reported = len(module.history)
            self._epochs.call("add", Epoch(trainer.current_epoch, module.history[-1]))


def _in_thread(trainer: TorchTrainer) -> "Future[Trained | InputError]":
    """What it gives. The thread ends with the connection, or with this process."""
    found: Future[Trained | InputError] = Future()

    def run() -> None:
        try:
            result: Any = trainer.fit()
            found.set_result(result.return_value)
        except TrainingFailedError as error:
            found.set_exception(as_raised(error))
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return found


def _ended(found: "Future[Any]") -> bool:
    """Whether it has, after a while."""
    try:
        found.exception(timeout=_SECONDS)
    except TimeoutError:
        return False
    return True


def as_raised(error: TrainingFailedError) -> BaseException:
    """What a worker raised; an `InputError` for one that ended."""
    failures = getattr(error, "worker_failures", None) or {0: error}
    # Where one ends, the others find that it does not answer.
    for number, failure in failures.items():
        if isinstance(failure, RayError):
            return InputError(
                f"training: worker {number} ended {1 + RETRIES} times ({first_line(failure)}); "
                "look for the reason on its node, as too little memory; the same command goes on "
                "after the last epoch"
            )
    failure = next(iter(failures.values()))
    cause: BaseException = getattr(failure, "_base_exc", failure)
    return cause
