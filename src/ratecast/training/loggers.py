"""Logs of a run: to TensorBoard, or to any Lightning logger that the experiment configures."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.queries.similar import MovieVectors
from ratecast.training.experiment import leaves

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger
    from torch.utils.tensorboard import SummaryWriter

MOVIES = "movies"
# Metadata of each movie for the projector, which colours by numbers or by columns of few values.
COLUMNS = ["title", "genre", "genres", "year", "ratings", "bias"]


def make_logger(config: dict[str, Any]) -> "Logger":
    """The logger of a config: class_path, and optionally init_args.

    Raises `InputError` if its package is not installed, or refuses the arguments.
    """
    module, _, name = config["class_path"].rpartition(".")
    try:
        logger: Logger = getattr(import_module(module), name)(**config.get("init_args") or {})
    except ImportError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"logger {name}: {reason}; install it, or remove the logger") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"logger {name}: {' '.join(str(error).split())}") from None
    return logger


def record(
    folder: Path,
    logger: "Logger | None",
    model: Model,
    settings: dict[str, Any],
    figures: dict[str, float],
) -> None:
    """Log the settings with the final figures and the movies' vectors, and close the logger.

    logger: the configured one, or None. TensorBoard gets everything, in the run's folder or in that
    of its logger; another logger gets only the figures.
    """
    final = {f"final/{name.replace('/', '_')}": value for name, value in figures.items()}
    board = folder if logger is None else _tensorboard_folder(logger)
    if logger is not None:
        if board is None:
            logger.log_metrics(final)
        logger.finalize("success")
    if board is not None:
        _write(board, model, _hyperparameters(settings), final)


def _write(board: Path, model: Model, settings: dict[str, Any], figures: dict[str, float]) -> None:
    # Torch takes two seconds to import, too long before an error about a missing file.
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams

    with SummaryWriter(board) as writer:
        for part in hparams(settings, figures):
            writer.file_writer.add_summary(part)
        for name, value in figures.items():
            writer.add_scalar(name, value)
        project(writer, model)


def project(writer: "SummaryWriter", model: Model) -> None:
    """Write the movies' vectors for TensorBoard's projector, if the model has any."""
    if model.movie_factors() is None:
        return
    vectors = MovieVectors.of(model)
    lines = [_cells(vectors, row) for row in range(len(vectors.vectors))]
    writer.add_embedding(vectors.vectors, metadata=lines, metadata_header=COLUMNS, tag=MOVIES)


def _tensorboard_folder(logger: "Logger") -> Path | None:
    """The folder of a TensorBoard logger; None for another logger."""
    from lightning.pytorch.loggers import TensorBoardLogger

    return Path(logger.log_dir) if isinstance(logger, TensorBoardLogger) else None


def _hyperparameters(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings by their full names, as model/factors, for TensorBoard's table."""
    plain = {name.replace(".", "/"): value for name, value in leaves(settings, ())}
    return {k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in plain.items()}


def _cells(vectors: MovieVectors, row: int) -> list[str]:
    known = {k: v for k, v in vectors.table.row(row, named=True).items() if v is not None}
    genres = list(known.get("genres") or ["unknown"])
    cells = [known.get("title", known["movie"]), genres[0], ", ".join(genres)]
    cells += [known.get("year", "unknown"), int(vectors.counts[row]), f"{vectors.biases[row]:.2f}"]
    return [" ".join(str(cell).split()) for cell in cells]
