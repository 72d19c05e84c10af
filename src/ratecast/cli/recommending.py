"""The verb that recommends movies."""

from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.call import emit, note
from ratecast.errors import InputError
from ratecast.table_options import DEFAULT, TableOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from ratecast.modelling.contract.model import Model
    from ratecast.progress import Bar
    from ratecast.ratings import Requests


def recommend(
    *,
    artifact: Path,
    out: Path,
    n: int = 10,
    users: Path | None = None,
    data: str | None = None,
    table: TableOptions = DEFAULT,
    rated: bool = False,
    json: bool = False,
) -> None:
    """Recommend to every user the top movies not yet rated.

    Ranked by expected stars. The table has the columns user, movie, rank and stars.

    Examples:
        ratecast recommend --artifact artifacts/als --out top.parquet --data ml-100k
        ratecast recommend --artifact artifacts/als --out top.parquet --n 5 --rated

    Args:
        artifact: folder that ratecast train wrote.
        out: Parquet file for the table.
        n: number of movies for each user.
        users: file with one user id on each line, instead of every known user.
        data: an edition, a folder or a file of ratings; movies rated in it are excluded.
        table: how a table of your own is read.
        rated: include movies that the user has rated.
        json: print the result as one JSON document.
    """
    import polars as pl

    from ratecast.models import load_model
    from ratecast.parquet_writer import write_parquet
    from ratecast.progress import bar
    from ratecast.queries.title_lookup import user_id
    from ratecast.queries.top_n import Recommender
    from ratecast.ratings import USER, Requests

    model = load_model(artifact)
    ids = model.users.table[USER]
    if users is not None:
        ids = pl.Series(USER, [user_id(model, line) for line in _lines(users)])
    # An empty table, because None excludes the ratings that the model stores.
    excluded = Requests.of([], []) if rated else _excluded(model, data, table)
    unknown = int((model.users.encode(ids) == 0).sum())
    if unknown:
        note(f"recommend: {unknown} users are not known to the model; they are new users to it")
    recommender = Recommender(model, excluded)
    with bar(f"{model.name}: recommend", len(ids), unit="users") as progress:
        rows = write_parquet(out, _with_progress(recommender.blocks(ids, n), progress))
    emit({"out": out, "users": len(ids), "rows": rows}, f"wrote {out}: {rows} rows", json)


def _with_progress(blocks: "Iterator[pl.DataFrame]", progress: "Bar") -> "Iterator[pl.DataFrame]":
    for block in blocks:
        yield block
        progress.advance(block["user"].n_unique())


def _excluded(model: "Model", data: str | None, table: TableOptions) -> "Requests | None":
    from ratecast.data import load_table
    from ratecast.modelling.history.history_model import HistoryModel

    if data is not None:
        return load_table(data, table).requests()
    if not isinstance(model, HistoryModel):
        raise InputError(
            f"recommend: model {model.name} stores no ratings; give --data to exclude the movies "
            "rated in it, or --rated to include them"
        )
    return None


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a text file of ids") from None
    ids = [line for line in lines if line]
    if not ids:
        raise InputError(f"{path}: no user id; write one on each line")
    return ids
