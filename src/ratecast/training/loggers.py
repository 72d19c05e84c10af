"""Logs of a run: to TensorBoard, or to any Lightning logger that the experiment configures."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.optional_packages import missing, require
from ratecast.queries.similar import MovieVectors
from ratecast.training.experiment import leaves

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from ratecast.training.run_logger import RunLogger

MOVIES = "movies"
# Metadata of each movie for the projector, which colours by numbers or by columns of few values.
COLUMNS = ["title", "genre", "genres", "year", "ratings", "bias"]


@contextmanager
def run_logger(
    config: Mapping[str, Any] | None, settings: dict[str, Any], counts: Mapping[str, float]
) -> Iterator["RunLogger | None"]:
    """The logger of a config, closed as failed if the block raises an error; None without config.

    config: class_path, and optionally init_args. settings, counts: its first values. They are
    logged before the block, so that a logger that refuses them leaves nothing of a run behind.

    Raises `InputError` if its package is missing, or if it refuses an argument or a value.
    """
    if config is None:
        yield None
        return
    logger = _made(config)
    try:
        logger.log_hyperparams(settings)
        logger.log_metrics(counts, 0)
        logger.save()
        yield logger
    except BaseException:
        with suppress(InputError):
            logger.close("failed")
        raise


def _made(config: Mapping[str, Any]) -> "RunLogger":
    require("nets", "logger")
    # Lightning takes seconds to import, and most runs have no logger of their own.
    from ratecast.training.run_logger import RunLogger, refusals

    module, _, name = config["class_path"].rpartition(".")
    with refusals(name):
        return RunLogger(getattr(import_module(module), name)(**config.get("init_args") or {}))


def record(
    artifact: Path,
    logger: "RunLogger | None",
    model: Model,
    settings: dict[str, Any],
    figures: dict[str, float],
) -> None:
    """Log the final figures, the artifact and the movies' vectors, and close the logger.

    artifact: in the folder of the run. logger: the configured one, or None. TensorBoard gets
    settings, figures and vectors, in the run's folder or in that of its logger, where it is
    installed; another logger gets
    the figures and, if it keeps files, the artifact.
    """
    board = artifact.parent if logger is None else logger.tensorboard_folder
    if logger is not None:
        if board is None:
            logger.log_final(figures)
        logger.log_artifact(artifact, model.name)
        logger.close("success")
    if board is not None and not missing("nets"):
        final = {f"final/{name.replace('/', '_')}": value for name, value in figures.items()}
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
