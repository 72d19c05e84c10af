"""Where the curves go: TensorBoard with its tables and vectors, or a logger that a config names."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from ratecast.errors import InputError
from ratecast.models import load_model
from ratecast.queries.similar import MovieVectors
from ratecast.ratings import Ratings
from ratecast.splits import Split
from ratecast.training import make_model
from ratecast.training.experiment import Experiment, read_experiment
from ratecast.training.loggers import COLUMNS
from ratecast.training.sweep import sweep
from ratecast.training.train import train
from tests.training.tables import few

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 64}
CSV = "lightning.pytorch.loggers.CSVLogger"


def titled(split: Split) -> Split:
    """The same parts, their movies with titles that a table of tabs and lines must survive."""
    from dataclasses import replace

    ids = split.train.frame["movie"].unique().sort()
    movies = pl.DataFrame(
        {
            "movie": ids,
            "title": [f"Film\t{i}\n(1990)" for i in ids],
            "genres": [["Drama", "War"] for _ in ids],
        }
    )

    def named(part: Ratings) -> Ratings:
        return replace(part, movies=movies)

    assert split.valid is not None
    return replace(
        split, train=named(split.train), valid=named(split.valid), test=named(split.test)
    )


def test_the_projector_gets_every_movie_with_its_title_and_genres(tmp_path: Path) -> None:
    split = titled(few())
    run = train(Experiment.of(make_model("mf_bias", trainer=QUICK), out=tmp_path), split)
    config = (run.folder / "projector_config.pbtxt").read_text()
    assert "movies" in config
    lines = (run.folder / "00000" / "movies" / "metadata.tsv").read_text().splitlines()
    assert lines[0].split("\t") == COLUMNS
    vectors = MovieVectors.of(load_model(run.artifact))
    assert len(lines) == 1 + len(vectors.vectors)
    first = vectors.table.row(0, named=True)
    assert lines[1].split("\t")[:4] == [
        f"Film {first['movie']} (1990)", "Drama", "Drama, War", "unknown",
    ]  # fmt: skip
    written = np.loadtxt(run.folder / "00000" / "movies" / "tensors.tsv", delimiter="\t")
    np.testing.assert_allclose(written, vectors.vectors, atol=1e-6)


def test_a_model_without_vectors_has_no_projector(tmp_path: Path) -> None:
    run = train(Experiment.of(make_model("bias"), out=tmp_path), few())
    assert not (run.folder / "projector_config.pbtxt").exists()


def test_the_table_of_hyper_parameters_has_settings_and_figures(tmp_path: Path) -> None:
    task = Experiment.of(make_model("mf_bias", trainer=QUICK), out=tmp_path)
    for row in sweep(task, (2, 4), few()):
        seen = EventAccumulator(str(row.run.folder)).Reload()
        tags = seen.PluginTagToContent("hparams")
        data = plugin_data_pb2.HParamsPluginData.FromString(tags["_hparams_/session_start_info"])
        settings = data.session_start_info.hparams
        assert settings["model/factors"].number_value == row.factors
        data = plugin_data_pb2.HParamsPluginData.FromString(tags["_hparams_/experiment"])
        metrics = {info.name.tag for info in data.experiment.metric_infos}
        assert metrics == {"final/train_rmse", "final/valid_rmse"}
        assert seen.Scalars("final/valid_rmse")[-1].value == pytest.approx(
            row.run.figures["valid/rmse"]
        )


def test_any_logger_of_lightning_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mf.yaml"
    given = {"class_path": "CSVLogger", "init_args": {"save_dir": str(tmp_path / "csv")}}
    path.write_text(yaml.safe_dump({"model": {"name": "mf"}, "trainer": QUICK, "logger": given}))
    task = read_experiment(path, ["--out", str(tmp_path), "--logger.init_args.name", "mine"])
    assert task.logger is not None
    assert task.logger["class_path"] == CSV
    run = train(task, few())
    rows = pl.read_csv(tmp_path / "csv" / "mine" / "version_0" / "metrics.csv")
    assert rows["valid/rmse"].drop_nulls().len() == QUICK["epochs"]
    assert rows["final/valid_rmse"].drop_nulls().to_list() == pytest.approx(
        [run.figures["valid/rmse"]], abs=1e-6
    )
    assert not list(run.folder.glob("events.*"))
    assert (run.folder / "checkpoints/fit/best.ckpt").exists()
    again = read_experiment_of(task, tmp_path)
    assert again.logger == task.logger


def read_experiment_of(task: Experiment, folder: Path) -> Experiment:
    (folder / "again.yaml").write_text(yaml.safe_dump(task.plain()))
    return read_experiment(folder / "again.yaml")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{class_path: CSVLogger, init_args: {save_dri: x}}", "save_dri"),
        ("{class_path: nothing.Here}", "nothing.Here"),
        ("{class_path: ratecast.models.mf.model.MatrixFactorization}", "MatrixFactorization"),
        ("CSVLogger", "save_dir"),
        ("", "'logger' is empty"),
    ],
)
def test_a_logger_that_cannot_be_is_refused_in_one_line(
    section: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text(f"model: {{name: mf}}\nlogger: {section}\n")
    with pytest.raises(InputError, match=said) as refused:
        read_experiment(tmp_path / "bad.yaml")
    assert "\n" not in str(refused.value)


def test_a_logger_whose_package_is_missing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'mlflow'. HINT: try pip install\nmore")

    monkeypatch.setattr("lightning.pytorch.loggers.MLFlowLogger.__init__", missing)
    named = {"class_path": "lightning.pytorch.loggers.MLFlowLogger"}
    task = Experiment.of(make_model("bias"), out=tmp_path / "out", logger=named)
    with pytest.raises(InputError, match=r"logger MLFlowLogger: .*'mlflow'.*install it") as refused:
        train(task, few())
    assert not (tmp_path / "out").exists()
    assert "\n" not in str(refused.value)
