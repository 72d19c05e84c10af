from pathlib import Path

import pytest
import yaml

from ratecast.errors import InputError
from ratecast.models import MODELS
from ratecast.training import make_model
from ratecast.training.experiment import Experiment, read_experiment
from ratecast.training.train import train
from tests.training.tables import few

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
MF = next(path for path in CONFIGS if path.stem == "mf")


@pytest.mark.parametrize("name", MODELS)
def test_a_models_config_says_what_make_model_uses(name: str) -> None:
    path = next(path for path in CONFIGS if path.stem == name)
    assert read_experiment(path) == Experiment.of(make_model(name))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_config_says_everything(path: Path) -> None:
    assert yaml.safe_load(path.read_text()) == read_experiment(path).plain()
    assert read_experiment(path).experiment == path.stem


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_config_runs(path: Path, tmp_path: Path) -> None:
    run = train(read_experiment(path, ["--out", str(tmp_path)]), few())
    assert (run.artifact / "manifest.json").is_file()
    assert set(run.figures) == {"train/rmse", "valid/rmse"}


def test_the_command_line_overrides_every_field() -> None:
    changes = ["--model.factors", "128", "--trainer.epochs=30", "--seed", "7"]
    changes += ["--data", "ratings.csv", "--split", "u1", "--experiment", "mine", "--out", "here"]
    found = read_experiment(MF, changes)
    assert (found.model["factors"], found.model["trainer"]["epochs"]) == (128, 30)
    assert (found.seed, found.data, found.split) == (7, "ratings.csv", "u1")
    assert (found.experiment, found.out) == ("mine", Path("here"))
    assert found.model["l2_users"] == read_experiment(MF).model["l2_users"]


@pytest.mark.parametrize("scale", ["1:5:1", "-10:10:1", "0.5:5:0.5", "-10:10:continuous"])
def test_a_scale_needs_no_quotes(scale: str, tmp_path: Path) -> None:
    """YAML 1.1 reads 1:5:1 as 3901, a number to base 60."""
    path = tmp_path / "own.yaml"
    path.write_text(f"model: {{name: bias, user_damping: .5}}\nscale: {scale}\nseed: 0x1F\n")
    experiment = read_experiment(path)
    assert (experiment.table.scale, experiment.seed) == (scale, 31)
    assert experiment.model["user_damping"] == 0.5


def test_another_model_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text("model: {name: mf}\n")
    found = read_experiment(tmp_path / "short.yaml", ["--model.name", "neumf"])
    assert found.make().name == "neumf"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "model: {name: mf, facters: 3}",
            "unknown key 'model.facters'; did you mean model.factors",
        ),
        ("sead: 3\nmodel: {name: mf}", "unknown key 'sead'; did you mean seed"),
        ("model: {name: mf, zzzzz: 3}", "'model.zzzzz'; choose one of experiment, data"),
        ("model: {name: mf, factors: many}", "model.factors is 'many'; expected a whole number"),
        ("model: {name: mf, factors: 2.5}", "model.factors is '2.5'; expected a whole number"),
        ("model: {name: mf, factors: }", "'model.factors' is empty"),
        ("model: {name: mf, factors: 0}", "factors is 0"),
        ("model: {name: mff}", "model 'mff': not known; did you mean mf"),
        ("model: {name: oracle}", "model 'oracle': not known; give package.module:Class, or"),
        ("model: {factors: 3}", "no model; name one as in model: {name: bias}"),
        ("model: mf", "no model; name one as in model: {name: bias}"),
        ("model: {name: mean}\ntrainer: {epochs: 3}", "unknown key 'trainer.epochs'"),
        ("model: {name: mf}\ntrainer: 3", "unknown key 'trainer'"),
        (
            "model: {name: mf}\nsplit: random",
            "split 'random': choose one of auto, chronological",
        ),
        ("model: {name: mf}\nexperiment: ../up", "is a folder's name"),
        ("model: [", "not YAML"),
        ("- mf", "has no keys"),
    ],
)
def test_refuses_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(InputError, match=said) as refused:
        read_experiment(tmp_path / "bad.yaml")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--model.facters", "3"], "--model.facters; did you mean --model.factors"),
        (["--trainer.epochs", "few"], "--trainer.epochs is 'few'; expected a whole number"),
        (["--trainer.epochs"], "--trainer.epochs needs a value"),
        (["more"], "unexpected word 'more'"),
        (["--resume", "maybe"], "auto.*never"),
    ],
)
def test_refuses_a_bad_override_in_one_line(changes: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        read_experiment(MF, changes)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_said() -> None:
    with pytest.raises(InputError, match="no such file"):
        read_experiment("nowhere.yaml")
