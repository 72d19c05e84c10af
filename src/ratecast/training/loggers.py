"""Where the curves of a run go: TensorBoard, or any logger of Lightning that a config names."""

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
# What the projector's table has of each movie; it colours by a column of few values or of numbers.
COLUMNS = ["title", "genre", "genres", "year", "ratings", "bias"]


def make_logger(named: dict[str, Any]) -> "Logger":
    """The logger that `named` describes: class_path, and init_args.

    Raises `InputError` where its package is not installed, or refuses its settings.
    """
    module, _, name = named["class_path"].rpartition(".")
    try:
        logger: Logger = getattr(import_module(module), name)(**named.get("init_args") or {})
    except ImportError as error:
        said = str(error).splitlines()[0]
        raise InputError(f"logger {name}: {said}; install it, or leave the logger out") from None
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
    """Write the settings beside the final figures, and the movies' vectors; close the logger.

    logger: the one that was named, if any. They go to TensorBoard, in the run's folder or where its
    own logger writes; to another logger the figures alone.
    """
    named = {f"final/{name.replace('/', '_')}": value for name, value in figures.items()}
    board = folder if logger is None else _board_of(logger)
    if logger is not None:
        if board is None:
            logger.log_metrics(named)
        logger.finalize("success")
    if board is not None:
        _write(board, model, _table(settings), named)


def _write(board: Path, model: Model, settings: dict[str, Any], figures: dict[str, float]) -> None:
    # Torch takes two seconds to import: too long for who is told that a file is not there.
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams

    with SummaryWriter(board) as writer:
        for part in hparams(settings, figures):
            writer.file_writer.add_summary(part)
        for name, value in figures.items():
            writer.add_scalar(name, value)
        project(writer, model)


def project(writer: "SummaryWriter", model: Model) -> None:
    """The vectors of a model's movies for TensorBoard's projector; nothing where it has none."""
    if model.movie_factors() is None:
        return
    vectors = MovieVectors.of(model)
    lines = [_cells(vectors, row) for row in range(len(vectors.vectors))]
    writer.add_embedding(vectors.vectors, metadata=lines, metadata_header=COLUMNS, tag=MOVIES)


def _board_of(logger: "Logger") -> Path | None:
    """The folder of a logger that is TensorBoard's."""
    from lightning.pytorch.loggers import TensorBoardLogger

    return Path(logger.log_dir) if isinstance(logger, TensorBoardLogger) else None


def _table(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings by their whole names, model/factors, as TensorBoard's table takes them."""
    plain = {name.replace(".", "/"): value for name, value in leaves(settings, ())}
    return {k: v if isinstance(v, bool | int | float | str) else str(v) for k, v in plain.items()}


def _cells(vectors: MovieVectors, row: int) -> list[str]:
    known = {k: v for k, v in vectors.table.row(row, named=True).items() if v is not None}
    genres = list(known.get("genres") or ["unknown"])
    cells = [known.get("title", known["movie"]), genres[0], ", ".join(genres)]
    cells += [known.get("year", "unknown"), int(vectors.counts[row]), f"{vectors.biases[row]:.2f}"]
    return [" ".join(str(cell).split()) for cell in cells]
