"""Verbs that train."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.budget import as_setting
from ratecast.cli.call import AUTO, emit, note
from ratecast.cli.work_folder import out_of_core
from ratecast.errors import InputError
from ratecast.optional_packages import install_command, missing, require

if TYPE_CHECKING:
    from ratecast.training.experiment import Experiment

NETS = ("mf", "mf_bias", "neumf")


def train(*words: str, everything: bool = False, json: bool = False) -> None:
    """Train a model and save it as an artifact.

    Curves for TensorBoard, checkpoints and the artifact are written below
    lightning_logs/EXPERIMENT. A killed run is resumed.

    Examples:
        ratecast train --data ratings.csv --budget 5m
        ratecast train state_space
        ratecast train configs/mf_bias.yaml --model.factors 32 --seed 1
        ratecast train als --data ratings.csv --columns movie=film
        ratecast train als --all
        ratecast train mf_bias --data grown-1b --out-of-core work --valid 0.001
        ratecast train als --data parts --out-of-core /shared/work --on ray --address auto
        ratecast train neumf --data ml-25m --on ray --workers 2

    Args:
        words: a YAML file or a model's name, by default auto, which chooses models by what they
            reach on a part of train, within --budget (as in 60s or 5m; default 15m); then fields
            of the experiment as options: --data and how it is read (see below), --split, --seed,
            --out, --experiment, --resume auto|never, --model.FIELD and, for a net,
            --trainer.FIELD. ratecast train MODEL --help lists them. A table in Parquet parts that
            does not fit into memory: --out-of-core WORK, a folder for the work, and --valid SHARE
            or FILE, the rows for validation (default 0.01); for mf_bias, als and bias. Of these,
            mf_bias and als are fitted by a Ray cluster with --on ray (see docs/cluster.md):
            --workers N and --address A say which; WORK is a folder that all its nodes share.
            Without --out-of-core its workers train a net together.
        everything: train on every rating, for production; the number of epochs and the
            calibration come from a split (--split auto).
        json: print the result as one JSON document.
    """
    from ratecast.training.train import train as run

    if words and words[0].partition("=")[0] == "--model":
        raise InputError(
            "train: give a YAML file or the name of a model first; see ratecast train --help"
        )
    options, work, valid, on = out_of_core(as_setting(words), everything)
    options = [*options, "--split=all"] if everything else options
    experiment = _experiments(options, [AUTO])[0]
    if experiment.name == AUTO and work is None and on is None:
        seconds = experiment.make().settings()["budget"]
        note(f"train: auto tries models, one by one, for about {seconds:g} s at most (--budget)")
    if work is None:
        finished = run(experiment, on=on)
    else:
        from ratecast.training.out_of_core import train as run_out_of_core

        finished = run_out_of_core(experiment, Path(work), valid, on)
    for line in finished.summary:
        note(line)
    if missing("nets"):
        note(f"train: no curves, as TensorBoard is missing: {install_command('nets')}")

    figures = "  ".join(f"{name} {value:.4f}" for name, value in finished.figures.items())
    result = {"experiment": experiment.experiment, "model": experiment.name} | asdict(finished)
    emit(result, f"{figures}\nartifact: {finished.artifact}", json)


def overfit(*words: str, json: bool = False) -> int:
    """Test whether a net can overfit 12 ratings; a correct one can.

    The exit code is 1 if a net fails.

    Examples:
        ratecast overfit
        ratecast overfit mf --trainer.learning_rate 0.01

    Args:
        words: a YAML file or a model's name, then fields of the experiment as options; by default
            mf, mf_bias and neumf, one after the other.
        json: print the result as one JSON document.
    """
    require("nets", "overfit")
    from ratecast.training.overfit import THRESHOLD
    from ratecast.training.overfit import overfit as run

    results = {one.name: run(one) for one in _experiments(words, NETS)}
    failed = f"FAILED: must be below {THRESHOLD}"
    lines = (
        f"{name}: training loss {result.loss:.2g}, {'passed' if result.passed else failed}"
        for name, result in results.items()
    )
    by_model = {
        name: asdict(result) | {"passed": result.passed} for name, result in results.items()
    }
    emit({"models": by_model}, "\n".join(lines), json)
    return 0 if all(result.passed for result in results.values()) else 1


def lr_find(*words: str, json: bool = False) -> None:
    """Suggest a learning rate by a range test.

    Examples:
        ratecast lr-find
        ratecast lr-find configs/mf.yaml --trainer.batch_size 1024

    Args:
        words: a YAML file or a model's name, then fields of the experiment as options; by default
            mf, mf_bias and neumf, one after the other.
        json: print the result as one JSON document.
    """
    require("nets", "lr-find")
    from ratecast.training.lr_find import lr_find as run

    curves = {one.name: run(one) for one in _experiments(words, NETS)}
    lines = (
        f"{name}: learning rate {curve.suggestion:.2g}, curve {curve.picture}"
        for name, curve in curves.items()
    )
    by_model = {
        name: {"suggestion": curve.suggestion, "picture": curve.picture}
        for name, curve in curves.items()
    }
    emit({"models": by_model}, "\n".join(lines), json)


def sweep(*words: str, json: bool = False) -> None:
    """Train with 64, 128 and 256 factors, and compare.

    Prints a table; the curves are in TensorBoard.

    Examples:
        ratecast sweep
        ratecast sweep mf --trainer.epochs 5

    Args:
        words: a YAML file or a model's name, then fields of the experiment as options; by default
            mf_bias.
        json: print the result as one JSON document.
    """
    require("nets", "sweep")
    from ratecast.evaluation.terminal import terminal_table
    from ratecast.training.sweep import HEADER
    from ratecast.training.sweep import sweep as run

    experiment = _experiments(words, ["mf_bias"])[0]
    rows = run(experiment)
    table = terminal_table(
        f"{experiment.name}, embedding sizes", HEADER, [row.cells() for row in rows]
    )
    emit({"rows": [asdict(row) for row in rows]}, table, json)


def _experiments(words: Sequence[str], names: Sequence[str]) -> "list[Experiment]":
    """The experiments of a command line, whose folders can be written."""
    from ratecast.output_paths import check_folder
    from ratecast.training.experiment import experiments

    found = experiments(words, names)
    for each in found:
        check_folder(each.out / each.experiment)
    return found
