"""As much of MLflow and W&B as Lightning's loggers call, where the packages are not installed."""

import sys
from argparse import Namespace
from types import ModuleType
from typing import Any

import pytest


class Client:
    """An `MlflowClient` with one experiment and one run."""

    def __init__(self) -> None:
        self.uri = ""
        self.params: dict[str, str] = {}
        self.figures: dict[str, float] = {}
        self.folders: list[tuple[str, str, str]] = []
        self.ended: list[str] = []

    def __call__(self, uri: str) -> "Client":
        self.uri = uri
        return self

    def get_experiment_by_name(self, name: str) -> Namespace:
        return Namespace(lifecycle_stage="active", experiment_id="1")

    def create_run(self, experiment_id: str, tags: Any) -> Namespace:
        return Namespace(info=Namespace(run_id="run"))

    def get_run(self, run_id: str) -> str:
        return run_id

    def log_batch(self, run_id: str, params: Any = (), metrics: Any = ()) -> None:
        self.params |= {param.key: param.value for param in params}
        self.figures |= {metric.key: metric.value for metric in metrics}

    def log_artifacts(self, run_id: str, folder: str, path: str) -> None:
        self.folders.append((run_id, folder, path))

    def set_terminated(self, run_id: str, status: str) -> None:
        self.ended.append(status)


def fake_mlflow(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client that Lightning's `MLFlowLogger` takes for MLflow's."""
    client = Client()
    context = _module(resolve_tags=lambda tags: tags)
    modules = {
        "mlflow": _module(set_tracking_uri=str),
        "mlflow.entities": _module(Param=Namespace, Metric=Namespace),
        "mlflow.tracking": _module(MlflowClient=client, context=context),
        "mlflow.tracking.context": context,
    }
    _install(monkeypatch, "mlflow", modules)
    return client


class WandbRun:
    """A run of W&B: its settings, figures and artifacts, and the exit codes it was ended with."""

    def __init__(self, wandb: Any) -> None:
        self._wandb = wandb
        self.id, self.config = "run", self
        self.settings: dict[str, Any] = {}
        self.figures: dict[str, float] = {}
        self.artifacts: list[Namespace] = []
        self.ended: list[int] = []

    def update(self, settings: dict[str, Any], allow_val_change: bool) -> None:
        self.settings |= settings

    def log(self, figures: dict[str, float]) -> None:
        self.figures |= figures

    def log_artifact(self, path: str, name: str, type: str) -> None:  # noqa: A002
        self.artifacts.append(Namespace(path=path, name=name, type=type))

    def finish(self, exit_code: int) -> None:
        self.ended.append(exit_code)
        self._wandb.run = None


def fake_wandb(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that Lightning's `WandbLogger` takes for W&B, with all its `runs`."""
    wandb: Any = _module(run=None, runs=[])

    def init(**_: Any) -> WandbRun:
        run = wandb.run = WandbRun(wandb)
        wandb.runs.append(run)
        return run

    wandb.init = init
    modules = {
        "wandb": wandb,
        "wandb.sdk": _module(),
        "wandb.sdk.lib": _module(RunDisabled=Namespace),
        "wandb.wandb_run": _module(Run=Namespace),
    }
    _install(monkeypatch, "wandb", modules)
    # Lightning sets it for a run that is offline.
    monkeypatch.setenv("WANDB_MODE", "dryrun")
    return wandb


def _module(**content: Any) -> ModuleType:
    module = ModuleType("fake")
    vars(module).update(content)
    return module


def _install(monkeypatch: pytest.MonkeyPatch, name: str, modules: dict[str, ModuleType]) -> None:
    for path, module in modules.items():
        monkeypatch.setitem(sys.modules, path, module)
    monkeypatch.setattr(f"lightning.pytorch.loggers.{name}._{name.upper()}_AVAILABLE", True)
