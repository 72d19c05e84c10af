"""Training: makes models that can be fitted, and runs typed experiments.

Importing this package is cheap: torch and Lightning are loaded when a net is to be trained.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratecast.errors import InputError
from ratecast.models import model_class
from ratecast.models.base import Model

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

    from ratecast.models.net import Lesson
    from ratecast.models.nets.base import RatingNet

Curve = tuple[list[float], list[float], list[float]]


def make_model(name: str, *, seed: int = 0, **settings: Any) -> Model:
    """The model called `name`, not fitted, with its trainer where it needs one.

    settings: the model's own fields; `trainer` may be a dict of fields of `TrainerSettings`.
    Raises `InputError` for a setting that the model lacks.
    """
    made = model_class(name)
    known = {field.name for field in made.__dataclass_fields__.values() if field.init}
    unknown = sorted(set(settings) - known)
    if unknown:
        allowed = ", ".join(sorted(known - {"seed"})) or "none"
        raise InputError(f"model {name}: no setting {unknown[0]!r}; settings are {allowed}")
    model = made(seed=seed, **settings)
    if "trainer" in known:
        model.train_net = WhenAsked()  # type: ignore[attr-defined]
    return model


@dataclass
class WhenAsked:
    """A `TrainNet` that loads Lightning for its first net: a kernel or a saved model needs none.

    logger, folder: as for `LightningTrainer`; with a folder and no logger, the curves go to
    TensorBoard there, beside `settings`. history: losses and RMSE of each epoch of the newest
    lesson.
    """

    logger: "Logger | None" = None
    folder: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list, init=False)

    def __call__(self, net: "RatingNet", lesson: "Lesson") -> int:
        """Train `net` in place; how many epochs its weights stand for."""
        from ratecast.training.fit import LightningTrainer
        from ratecast.training.runs import curves

        logger = self.logger
        if logger is None and self.folder is not None:
            logger = curves(self.folder)
            logger.log_hyperparams(self.settings)
        trainer = LightningTrainer(logger, self.folder)
        epochs = trainer(net, lesson)
        self.history = trainer.history
        return epochs


def curves_of(models: Mapping[str, Model]) -> dict[str, Curve]:
    """Epochs, and RMSE on train and valid after each, of the models that were trained by epochs."""
    histories = {name: getattr(model, "train_net", None) for name, model in models.items()}
    return {
        name: (
            list(range(1, len(trainer.history) + 1)),
            [figures["train/rmse"] for figures in trainer.history],
            [figures["valid/rmse"] for figures in trainer.history],
        )
        for name, trainer in histories.items()
        if trainer is not None and trainer.history and "valid/rmse" in trainer.history[-1]
    }
