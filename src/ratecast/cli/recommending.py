"""The verb that recommends movies."""

from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.call import emit, note
from ratecast.cli.parts import place_of_parts, written
from ratecast.cli.places import HERE, PlaceOptions
from ratecast.errors import InputError
from ratecast.table_options import DEFAULT, TableOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from ratecast.evaluation.list_parts import Lists
    from ratecast.modelling.contract.model import Model
    from ratecast.progress import Bar
    from ratecast.ratings import Requests


def recommend(
    *,
    artifact: Path,
    out: Path,
    n: int = 10,
    user: str | None = None,
    users: Path | None = None,
    items: Path | None = None,
    data: str | None = None,
    table: TableOptions = DEFAULT,
    rated: bool = False,
    place: PlaceOptions = HERE,
    json: bool = False,
) -> None:
    """Recommend to every user the top movies not yet rated.

    Ranked by expected stars. The table has the columns user, movie, rank and stars. Movies that no
    one has rated are candidates where the model knows and uses side information of them. Lists of
    many users go to a folder of parts, which the same command goes on with after a kill.

    Examples:
        ratecast recommend --artifact artifacts/als --out top.parquet --data ml-100k
        ratecast recommend --artifact artifacts/als --out top.csv --n 5 --rated
        ratecast recommend --artifact artifacts/als --out - --user 196 --items movies.txt --rated
        ratecast recommend --artifact artifacts/als --out lists --rated --workers 2

    Args:
        artifact: folder that ratecast train wrote.
        out: CSV, Parquet or JSON lines file (.csv, .parquet, .jsonl; .csv.gz, .jsonl.gz) for the
            table; - is CSV on stdout. A name without an ending, or a folder that is there, is a
            folder of Parquet parts, with a manifest that comes last; only this has workers.
        n: number of movies for each user.
        user: id of one user, instead of every known user.
        users: file with one user id on each line, or a table with a column of them.
        items: file of the only movies to recommend, in the same forms.
        data: an edition, a folder or a file of ratings; movies rated in it are excluded.
        table: how a table of your own is read; by default that of the training, as it was there.
        rated: include movies that the user has rated.
        place: where the parts are made.
        json: print the result as one JSON document.
    """
    from ratecast.progress import bar
    from ratecast.queries.top_n import Recommender
    from ratecast.table_writer import STDOUT, check_name, write_pieces

    where = place_of_parts("recommend", out, place)
    if where is None:
        check_name(out, data, users, items)
    if json and out == STDOUT:
        raise InputError("recommend: --json and the table cannot share stdout; add --out FILE")
    lists, ids = _wanted(artifact, n, (user, users, items, data), table, rated=rated)
    if where is not None:
        from ratecast.evaluation.list_parts import write_lists

        result = written(out, write_lists(out, lists, ids, where)) | {"users": len(ids)}
        emit(result, f"wrote {out}: {result['rows']:,} rows in {result['parts']:,} parts", json)
        return
    model = lists.saved.load()
    recommender = Recommender(model, lists.rated, lists.movies)
    with bar(f"{model.name}: recommend", len(ids), unit="users") as progress:
        rows = write_pieces(out, _with_progress(recommender.blocks(ids, n), progress))
    if out != STDOUT:
        emit({"out": out, "users": len(ids), "rows": rows}, f"wrote {out}: {rows} rows", json)


def _wanted(
    artifact: Path,
    n: int,
    given: tuple[str | None, Path | None, Path | None, str | None],
    table: TableOptions,
    *,
    rated: bool,
) -> "tuple[Lists, pl.Series]":
    """The lists that are wanted, and of which users. given: user, users, items, data."""
    from ratecast.evaluation.list_parts import Lists
    from ratecast.evaluation.part_runs import SavedModel
    from ratecast.ratings import Requests

    user, users, items, data = given
    saved = SavedModel.at(artifact)
    model = saved.load()
    if data is not None:
        from ratecast.training.saved_experiment import options_for

        table = options_for(artifact, data, table)
    ids = _users(model, user, users, table)
    candidates = _candidates(model, items, table)
    # An empty table, because None excludes the ratings that the model stores.
    excluded = Requests.of([], []) if rated else _excluded(model, data, table)
    return Lists(saved, n, candidates, excluded), ids


def _users(
    model: "Model", user: str | None, users: Path | None, table: TableOptions
) -> "pl.Series":
    from ratecast.queries.id_lists import ids_in, unknown_note
    from ratecast.queries.title_lookup import typed_ids

    if user is not None and users is not None:
        raise InputError("recommend: give either --user ID or --users FILE")
    if user is not None:
        ids = typed_ids(model.users, [user], "recommend")
    elif users is not None:
        ids = ids_in(users, model.users, table)
    else:
        return model.users.known
    if line := unknown_note(model, ids, "they are new users to it"):
        note(f"recommend: {line}")
    return ids


def _candidates(model: "Model", items: Path | None, table: TableOptions) -> "pl.Series":
    from ratecast.queries.id_lists import candidates, ids_in, is_known, unknown_note

    if items is None:
        found = candidates(model)
        if unrated := len(found) - model.movies.table.height:
            note(f"recommend: {unrated:,} movies without ratings are ranked by side information")
        return found
    ids = ids_in(items, model.movies, table)
    found = ids.filter(is_known(model, ids))
    if not len(found):
        raise InputError(f"{items}: the model knows none of these movies; give ids that it has")
    if line := unknown_note(model, ids, "they are left out"):
        note(f"recommend: {line}")
    return found


def _with_progress(blocks: "Iterator[pl.DataFrame]", progress: "Bar") -> "Iterator[pl.DataFrame]":
    for block in blocks:
        yield block
        progress.advance(block["user"].n_unique())


def _excluded(model: "Model", data: str | None, table: TableOptions) -> "Requests | None":
    from ratecast.data import load_table
    from ratecast.modelling.history.history_model import HistoryModel

    if data is not None:
        from ratecast.queries.id_lists import refuse_other_ids

        requests = load_table(data, table).requests()
        refuse_other_ids(model, requests, data, table)
        return requests
    if not isinstance(model, HistoryModel):
        raise InputError(
            f"recommend: model {model.name} stores no ratings; give --data to exclude the movies "
            "rated in it, or --rated to include them"
        )
    return None
