"""What a logger that a config names gets of a run, and what happens if it fails."""

from argparse import Namespace
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
import yaml
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from ratecast.errors import InputError
from ratecast.models import load_model
from ratecast.training import make_model
from ratecast.training.experiment import ALL, Experiment, read_experiment
from ratecast.training.run_logger import RunLogger
from ratecast.training.train import train
from tests.docs.blocks import ROOT, blocks
from tests.training.fake_loggers import fake_mlflow, fake_wandb
from tests.training.tables import few

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 64}
HERE = "tests.training.test_run_logger.Recorder"


class Recorder(Logger):
    """Keeps each call in `calls`, and refuses what has `refused` in it."""

    calls: ClassVar[list[tuple[str, Any]]] = []

    def __init__(self, refused: str = "nothing") -> None:
        super().__init__()
        self._refused = refused

    @property
    def name(self) -> str:
        return "recorder"

    @property
    def version(self) -> int:
        return 0

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        self._take("settings", params)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self._take("figures", metrics)

    def finalize(self, status: str) -> None:
        self._take("closed", status)

    def _take(self, kind: str, value: Any) -> None:
        if self._refused in str(value):
            raise RuntimeError(f"no such name:\n{self._refused}")
        self.calls.append((kind, value))


@pytest.fixture
def calls() -> list[tuple[str, Any]]:
    Recorder.calls.clear()
    return Recorder.calls


def recorded(name: str, out: Path, refused: str = "nothing", **settings: Any) -> Experiment:
    logger = {"class_path": HERE, "init_args": {"refused": refused}}
    return Experiment.of(make_model(name, **settings), out=out, logger=logger)


def kinds(calls: list[tuple[str, Any]]) -> list[str]:
    return [kind for kind, _ in calls]


def test_a_model_without_a_net_logs_settings_and_figures(
    tmp_path: Path, calls: list[tuple[str, Any]]
) -> None:
    split = few()
    assert split.valid is not None
    run = train(recorded("bias", tmp_path), split)
    (_, settings), (_, counts), (_, figures), (_, status) = calls
    assert settings["model"]["name"] == "bias"
    assert settings["model"]["iterations"] == 10
    assert "logger" not in settings
    assert counts == {"train/ratings": len(split.train), "valid/ratings": len(split.valid)}
    final = {f"final/{part}_rmse": run.figures[f"{part}/rmse"] for part in ("train", "valid")}
    assert figures == run.figures | final
    assert status == "success"


def test_a_run_of_two_trainings_is_closed_once(
    tmp_path: Path, calls: list[tuple[str, Any]]
) -> None:
    from dataclasses import replace

    train(replace(recorded("mf", tmp_path, trainer=QUICK), split=ALL), few())
    assert kinds(calls).count("closed") == 1
    assert calls[-1] == ("closed", "success")
    named = [set(value) for kind, value in calls if kind == "figures"]
    # The curve of the epochs keeps its points; the figures of the fitted model stand apart.
    assert named[-1] == {"final/train_rmse", "final/valid_rmse"}
    assert sum("valid/rmse" in names for names in named) == QUICK["epochs"]


def test_a_run_that_fails_is_closed_as_failed(tmp_path: Path, calls: list[tuple[str, Any]]) -> None:
    steep = QUICK | {"learning_rate": 1e30}
    with pytest.raises(InputError, match="learning_rate"):
        train(recorded("mf", tmp_path, trainer=steep), few())
    assert calls[-1] == ("closed", "failed")


@pytest.mark.parametrize(
    ("name", "refused"),
    [("bias", "iterations"), ("mf", "factors"), ("bias", "train/ratings"), ("mf", "valid/ratings")],
)
def test_a_refused_first_value_leaves_nothing(
    name: str, refused: str, tmp_path: Path, calls: list[tuple[str, Any]]
) -> None:
    with pytest.raises(InputError, match=f"logger Recorder: no such name: {refused}$"):
        train(recorded(name, tmp_path / "out", refused), few())
    assert not (tmp_path / "out").exists()
    assert calls[-1] == ("closed", "failed")


@pytest.mark.parametrize("refused", ["final/train_rmse", "success"])
def test_a_fitted_model_is_saved_whatever_its_logger_refuses(
    refused: str, tmp_path: Path, calls: list[tuple[str, Any]]
) -> None:
    with pytest.raises(InputError, match=r"the model is saved in (\S+)$") as refusal:
        train(recorded("bias", tmp_path, refused), few())
    assert "\n" not in str(refusal.value)
    artifact = Path(str(refusal.value).split()[-1])
    assert len(load_model(artifact).predict(few().test).stars) == len(few().test)
    assert (artifact / "experiment.yaml").exists()
    assert calls[-1] == ("closed", "failed")


def test_an_epoch_that_the_logger_refuses_is_one_line(
    tmp_path: Path, calls: list[tuple[str, Any]]
) -> None:
    with pytest.raises(InputError, match=r"^logger Recorder: no such name: valid/loss$"):
        train(recorded("mf", tmp_path, "valid/loss", trainer=QUICK), few())
    assert calls[-1] == ("closed", "failed")


@pytest.mark.parametrize("what", ["name", "version", "save_dir", "tensorboard_folder"])
def test_where_a_logger_keeps_its_files_is_one_line_too(what: str) -> None:
    class Closed(TensorBoardLogger):
        """One whose server, or folder, is not there."""

        @property
        def _nowhere(self) -> Any:
            raise ConnectionError("no answer\nfrom the server")

        name = version = save_dir = log_dir = _nowhere

    closed = RunLogger(Closed("."))
    with pytest.raises(InputError, match=r"^logger Closed: no answer from the server$"):
        getattr(closed, what)


def test_a_csv_of_a_model_without_a_net(tmp_path: Path) -> None:
    logger = {
        "class_path": "lightning.pytorch.loggers.CSVLogger",
        "init_args": {"save_dir": str(tmp_path / "csv"), "name": "mine"},
    }
    run = train(Experiment.of(make_model("als"), out=tmp_path, logger=logger), few())
    (folder,) = (tmp_path / "csv" / "mine").iterdir()
    rows = pl.read_csv(folder / "metrics.csv")
    for name, value in run.figures.items():
        assert rows[name].drop_nulls().to_list() == pytest.approx([value])
    assert yaml.safe_load((folder / "hparams.yaml").read_text())["model"]["name"] == "als"


def test_a_csv_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    logger = {
        "class_path": "lightning.pytorch.loggers.CSVLogger",
        "init_args": {"save_dir": str(tmp_path / "file")},
    }
    with pytest.raises(InputError, match=r"^logger CSVLogger: .*file"):
        train(Experiment.of(make_model("mean"), out=tmp_path / "out", logger=logger), few())
    assert not (tmp_path / "out").exists()


def documented(name: str) -> dict[str, Any]:
    """The YAML of docs/notebooks.md that names this logger."""
    page = blocks(ROOT / "docs" / "notebooks.md")
    (text,) = (block.text for block in page if block.language == "yaml" and name in block.text)
    given = yaml.safe_load(text)
    assert isinstance(given, dict)
    return given


def follow(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Train as the page shows; the artifact of the run."""
    monkeypatch.chdir(folder)
    Path("mine.yaml").write_text(yaml.safe_dump(documented(name)))
    return train(read_experiment("mine.yaml"), few()).artifact


@pytest.mark.parametrize("fails", [False, True])
def test_mlflow_gets_the_artifact_and_the_status(
    fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = fake_mlflow(monkeypatch)
    given = documented("MLFlowLogger")["logger"]
    trainer = QUICK | ({"learning_rate": 1e30} if fails else {})
    task = Experiment.of(make_model("mf", trainer=trainer), out=tmp_path, logger=given)
    if fails:
        with pytest.raises(InputError):
            train(task, few())
    else:
        run = train(task, few())
        assert client.folders == [("run", str(run.artifact), "artifact")]
        assert client.figures["final/valid_rmse"] == run.figures["valid/rmse"]
    assert client.uri == given["init_args"]["tracking_uri"]
    assert client.params["model/factors"] == "16"
    assert client.ended == ["FAILED" if fails else "FINISHED"]


@pytest.mark.filterwarnings("ignore:There is a wandb run already in progress")
@pytest.mark.parametrize("open_before", [False, True])
def test_wandb_gets_the_artifact_and_one_run_each(
    open_before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = fake_wandb(monkeypatch)
    if open_before:
        wandb.init()
    given = documented("WandbLogger")["logger"]
    task = Experiment.of(make_model("bias"), out=tmp_path, logger=given)
    artifacts = [str(train(task, few()).artifact) for _ in range(2)]
    saved = [Namespace(path=path, name="bias", type="model") for path in artifacts]
    if open_before:
        (run,) = wandb.runs
        assert (run.artifacts, run.ended) == (saved, [])
    else:
        assert [run.artifacts for run in wandb.runs] == [[one] for one in saved]
        assert [run.ended for run in wandb.runs] == [[0], [0]]
        assert wandb.runs[0].settings["model"]["name"] == "bias"


# MLflow calls what SQLAlchemy deprecates.
@pytest.mark.filterwarnings("default")
def test_the_documented_mlflow_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="needs mlflow")
    follow("MLFlowLogger", monkeypatch, tmp_path)
    client = tracking.MlflowClient(
        documented("MLFlowLogger")["logger"]["init_args"]["tracking_uri"]
    )
    (run,) = client.search_runs([client.get_experiment_by_name("ratecast").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["valid/rmse"] == run.data.metrics["final/valid_rmse"]
    assert run.data.params["model/name"] == documented("MLFlowLogger")["model"]["name"]
    files = {Path(file.path).name for file in client.list_artifacts(run.info.run_id, "artifact")}
    assert {"manifest.json", "experiment.yaml"} <= files


def test_the_documented_wandb_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb", reason="needs wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for _ in range(2):
        follow("WandbLogger", monkeypatch, tmp_path)
        assert wandb.run is None
    assert len(list(tmp_path.rglob("offline-run-*"))) == 2
