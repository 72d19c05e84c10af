"""Verbs that train."""

from ratecast.cli.call import show
from ratecast.errors import InputError

NETS = ("mf", "mf_bias", "neumf")


def train(*words: str) -> None:
    """Train a model: ratecast train configs/mf.yaml [--model.factors 128] [--all] ...

    Takes a YAML file, or the name of a model, and any of its fields as an option:
    --data, --columns, --scale, --split, --seed, --out, --resume auto|never, --model.FIELD and
    --trainer.FIELD.
    --all trains on every rating, for production, with what the chronological split chose.
    Writes curves for TensorBoard, checkpoints and the artifact below lightning_logs/EXPERIMENT.
    """
    from ratecast.training.experiment import experiments
    from ratecast.training.train import train as run

    asked = [word if word != "--all" else "--split=all" for word in words]
    if not asked:
        raise InputError(
            "train: give a YAML file or the name of a model; see ratecast train --help"
        )
    for experiment in experiments(asked, ()):
        done = run(experiment)
        show("  ".join(f"{name} {value:.4f}" for name, value in done.figures.items()))
        show(f"artifact: {done.artifact}")


def overfit(*words: str) -> int:
    """Can the net learn one batch of 12 by heart? Exit code 1 if not: it has a fault.

    ratecast overfit [configs/mf.yaml | NAME] [--trainer.learning_rate 0.01] ...
    Without a file or name: mf, mf_bias and neumf, one after the other.
    """
    from ratecast.training.experiment import experiments
    from ratecast.training.overfit import ENOUGH
    from ratecast.training.overfit import overfit as run

    results = [(experiment.name, run(experiment)) for experiment in experiments(words, NETS)]
    for name, result in results:
        said = "passed" if result.passed else f"FAILED: must fall under {ENOUGH}"
        show(f"{name}: training loss {result.loss:.2g}, {said}")
    return 0 if all(result.passed for _, result in results) else 1


def lr_find(*words: str) -> None:
    """Sweep the learning rate: a suggestion, and a picture of the curve.

    ratecast lr-find [configs/mf.yaml | NAME] [--trainer.batch_size 4096] ...
    Without a file or name: mf, mf_bias and neumf, one after the other.
    """
    from ratecast.training.experiment import experiments
    from ratecast.training.lr_find import lr_find as run

    for experiment in experiments(words, NETS):
        curve = run(experiment)
        show(f"{experiment.name}: learning rate {curve.suggestion:.2g}, curve {curve.picture}")


def sweep(*words: str) -> None:
    """Train with 64, 128 and 256 factors, side by side in TensorBoard.

    ratecast sweep [configs/mf_bias.yaml | NAME] [--trainer.max_epochs 20] ...
    Without a file or name: mf_bias.
    """
    from ratecast.evaluation.show import terminal_table
    from ratecast.training.experiment import experiments
    from ratecast.training.sweep import HEADER
    from ratecast.training.sweep import sweep as run

    for experiment in experiments(words, ["mf_bias"]):
        cells = [row.cells() for row in run(experiment)]
        show(terminal_table(f"{experiment.name}, embedding sizes", HEADER, cells))
