"""The verb that ranks movies."""

from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.call import emit, note
from ratecast.errors import InputError

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
    columns: str | None = None,
    rated: bool = False,
    json: bool = False,
) -> None:
    """Rank movies for every user, beside those already rated.

    By expected stars, the highest first. The table has columns user, movie, rank and stars.

    Examples:
        ratecast recommend --artifact artifacts/als --out top.parquet --data ml-100k
        ratecast recommend --artifact artifacts/als --out top.parquet --n 5 --rated

    Args:
        artifact: folder that ratecast train wrote.
        out: Parquet file for the table.
        n: how many movies for each user.
        users: file with one user id on each line, instead of every user that the model knows.
        data: an edition, a folder or a file of ratings; what they rated is left out.
        columns: role=name of a table of your own where a name is not recognised, as in
            movie=film,rating=score.
        rated: name movies that were rated, too.
        json: print what was written as one JSON document.
    """
    import polars as pl

    from ratecast.models import load_model
    from ratecast.parquet_writer import write_parquet
    from ratecast.progress import bar
    from ratecast.queries.title_lookup import user_id
    from ratecast.queries.top_n import Recommender
    from ratecast.ratings import USER, Requests

    model = load_model(artifact)
    asked = model.users.table[USER]
    if users is not None:
        asked = pl.Series(USER, [user_id(model, line) for line in _lines(users)])
    # No pairs, not None: of None, a model that keeps ratings leaves its own out.
    left_out = Requests.of([], []) if rated else _left_out(model, data, columns)
    strangers = int((model.users.encode(asked) == 0).sum())
    if strangers:
        note(f"recommend: {strangers} users are not known to the model, and answered as strangers")
    ranked = Recommender(model, left_out)
    with bar(f"{model.name}: recommend", len(asked), unit="users") as moved:
        rows = write_parquet(out, _watched(ranked.blocks(asked, n), moved))
    emit({"out": out, "users": len(asked), "rows": rows}, f"wrote {out}: {rows} rows", json)


def _watched(blocks: "Iterator[pl.DataFrame]", moved: "Bar") -> "Iterator[pl.DataFrame]":
    for block in blocks:
        yield block
        moved.advance(block["user"].n_unique())


def _left_out(model: "Model", data: str | None, columns: str | None) -> "Requests | None":
    from ratecast.data import load_as
    from ratecast.modelling.history.history_model import HistoryModel

    if data is not None:
        return load_as(data, columns).requests()
    if not isinstance(model, HistoryModel):
        raise InputError(
            f"recommend: model {model.name} keeps no ratings; say with --data what was rated, to "
            "leave that out, or give --rated"
        )
    return None


def _lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a text file of ids") from None
    found = [line for line in lines if line]
    if not found:
        raise InputError(f"{path}: no user id; write one on each line")
    return found
