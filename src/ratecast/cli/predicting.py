"""The verb that predicts: one rating, the pairs of a file, or every candidate for some users."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ratecast.cli.call import emit, note
from ratecast.cli.parts import place_of_parts, written
from ratecast.cli.places import HERE, PlaceOptions
from ratecast.errors import InputError
from ratecast.table_options import DEFAULT, TableOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from ratecast.evaluation.pair_sources import PairSource
    from ratecast.evaluation.pooled_errors import PooledErrors
    from ratecast.evaluation.scored_pairs import ScoredPairs
    from ratecast.modelling.contract.model import Model
    from ratecast.progress import Bar
    from ratecast.workers import Place

STDOUT = Path("-")
FORMS = (
    "give --user and --movie for one forecast, --pairs FILE for many, or --items FILE with --user "
    "or --users FILE for every candidate"
)


class Wanted(NamedTuple):
    """What is to be forecast, as typed; None where it was not given."""

    user: str | None
    movie: str | None
    at: int | None
    pairs: str | None
    users: Path | None
    items: Path | None
    no_rating: bool

    def given(self) -> set[str]:
        """The names of what was given."""
        return {
            name
            for name, value in self._asdict().items()
            if value is not None and value is not False
        }

    def check(self, out: Path | None, table: TableOptions, json: bool) -> None:
        """Raise `InputError` for options that do not go together."""
        given = self.given()
        if {"pairs", "at"} <= given:
            raise InputError("predict: the pairs have times of their own; remove --at")
        if "no_rating" in given and "pairs" not in given:
            raise InputError("predict: --no-rating is of --pairs only; remove it")
        forms = ({"pairs"}, {"user", "movie"}, {"user", "items"}, {"users", "items"})
        if given - {"at", "no_rating"} not in forms:
            raise InputError(f"predict: {FORMS}")
        if "pairs" not in given:
            # A file of ids may have a column of another name.
            options = set(table.plain()) - ({"columns"} if "items" in given else set())
            if options:
                names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(options))
                raise InputError(f"predict: {names} is of --pairs only; remove it")
        if "movie" in given and out is not None:
            raise InputError("predict: --out is of --pairs and --items; remove it")
        if "movie" not in given and json and out in (None, STDOUT):
            raise InputError("predict: --json and the table cannot share stdout; add --out FILE")


def predict(
    *,
    artifact: Path,
    user: str | None = None,
    movie: str | None = None,
    at: int | None = None,
    pairs: str | None = None,
    users: Path | None = None,
    items: Path | None = None,
    no_rating: bool = False,
    out: Path | None = None,
    table: TableOptions = DEFAULT,
    place: PlaceOptions = HERE,
    json: bool = False,
) -> None:
    """Predict one rating, the pairs of a file, or all candidates.

    It needs only a fitted model, no table of ratings. A table of forecasts has the columns user,
    movie, at and rating (where they are known), stars, low and high (the central 80 % interval),
    the probability of each star, history_length and basis. If the true ratings are known, RMSE,
    MAE and NLL over all rows that have one are printed. Many forecasts go to a folder of parts,
    which the same command goes on with after a kill.

    Examples:
        ratecast predict --artifact lightning_logs/bias/version_0/artifact --user 196 --movie 242
        ratecast predict --artifact artifacts/als --user 5000 --movie "Kolya (1996)" --json
        ratecast predict --artifact artifacts/als --pairs test.csv --out forecasts.parquet
        ratecast predict --artifact artifacts/als --user 196 --items movies.txt
        ratecast predict --artifact artifacts/als --users users.txt --items movies.txt --out all.csv
        ratecast predict --artifact artifacts/als --pairs test.csv --out in-parts --workers 2

    Args:
        artifact: folder that ratecast train wrote.
        user: id of the user; a new user is possible, and marked as new.
        movie: title, as in "Kolya (1996)", or id of the movie.
        at: time of the ratings, UTC seconds, for models that use it.
        pairs: table with columns for user and movie and, if known, rating and time; every row gets
            a forecast, in the order of the file.
        users: file with one user id on each line, or a table with a column of them.
        items: file of the candidates' ids, in the same forms; each user gets a forecast of each.
        no_rating: leave out the true ratings of the pairs; the forecasts are not scored.
        out: CSV, Parquet or JSON lines file (.csv, .parquet, .jsonl; .csv.gz, .jsonl.gz) for the
            forecasts; without it, CSV on stdout. A name without an ending, or a folder that is
            there, is a folder of Parquet parts, with a manifest that comes last; only this has
            workers.
        table: how the pairs are read.
        place: where the parts are made.
        json: print the result as one JSON document.
    """
    wanted = Wanted(user, movie, at, pairs, users, items, no_rating)
    wanted.check(out, table, json)
    where = place_of_parts("predict", out or STDOUT, place)
    if movie is not None:
        from ratecast.cli.one_forecast import lines, predict_one

        result = predict_one(artifact, str(user), movie, at)
        emit(result, "\n".join(lines(result)), json)
        return
    if where is None:
        result = _predict_many(artifact, wanted, out or STDOUT, table)
    else:
        assert out is not None
        result = _predict_parts(artifact, wanted, out, (table, where))
    summary = _summary(result)
    if out in (None, STDOUT):
        for line in summary:
            note(line)
    else:
        emit(result, "\n".join(summary), json)


def _predict_many(artifact: Path, wanted: Wanted, out: Path, table: TableOptions) -> dict[str, Any]:
    from ratecast.models import load_model
    from ratecast.progress import bar
    from ratecast.table_writer import check_name, write_pieces

    check_name(out, wanted.pairs, wanted.users, wanted.items)
    model = load_model(artifact)
    scored = _scored(model, wanted, table)
    with bar(f"{model.name}: predict", len(scored.pairs), unit="pairs") as progress:
        rows = write_pieces(out, _with_progress(scored.tables(), progress))
    return {"out": out, "model": model.name, "rows": rows} | _scores(scored.errors)


def _predict_parts(
    artifact: Path, wanted: Wanted, out: Path, how: "tuple[TableOptions, Place]"
) -> dict[str, Any]:
    """To a folder of parts. how: the pairs are read, and where the parts are made."""
    from ratecast.evaluation.forecast_parts import errors_of, write_forecast_parts
    from ratecast.evaluation.part_runs import SavedModel

    table, where = how
    saved = SavedModel.at(artifact)
    name, pairs = saved.load().name, _source(saved.load(), wanted, table)
    parts = write_forecast_parts(out, saved, pairs, where)
    return written(out, parts) | {"model": name} | _scores(errors_of(parts))


def _source(model: "Model", wanted: Wanted, table: TableOptions) -> "PairSource":
    """The pairs that are wanted; those of a Parquet file stay there, if it is plain."""
    from ratecast.evaluation.pair_sources import HeldPairs, file_pairs
    from ratecast.evaluation.pairs_file import TrueRatings
    from ratecast.queries.id_lists import refuse_other_ids
    from ratecast.ratings import MOVIE, USER

    if wanted.pairs is not None:
        source, true = wanted.pairs, TrueRatings(model.scale, not wanted.no_rating)
        found = file_pairs(
            source, true, table, lambda rows: refuse_other_ids(model, rows, source, table)
        )
        if found is not None:
            _note_unknown(model, found.file.ids(USER), found.file.ids(MOVIE))
            return found
    scored = _scored(model, wanted, table)
    return HeldPairs(scored.pairs, scored.ratings)


def _scores(errors: "PooledErrors") -> dict[str, Any]:
    """For the result of the verb; empty where no true rating is known."""
    figures = errors.figures()
    return {"scored": errors.n} | figures if figures else {}


def _scored(model: "Model", wanted: Wanted, table: TableOptions) -> "ScoredPairs":
    """The pairs that are wanted, after a note for ids that the model does not know."""
    from ratecast.evaluation.pairs_file import TrueRatings, read_pairs
    from ratecast.evaluation.scored_pairs import ScoredPairs
    from ratecast.queries.id_lists import ids_in, refuse_other_ids
    from ratecast.queries.many_forecasts import EveryPair
    from ratecast.queries.title_lookup import typed_ids
    from ratecast.ratings import MOVIE, USER

    if wanted.pairs is not None:
        pairs = read_pairs(wanted.pairs, TrueRatings(model.scale, not wanted.no_rating), table)
        refuse_other_ids(model, pairs.requests, wanted.pairs, table)
        frame = pairs.requests.frame
        users, movies = frame[USER], frame[MOVIE]
        scored = ScoredPairs(model, pairs.requests, pairs.ratings)
    else:
        assert wanted.items is not None
        movies = ids_in(wanted.items, model.movies, table)
        if wanted.users is not None:
            users = ids_in(wanted.users, model.users, table)
        else:
            users = typed_ids(model.users, [str(wanted.user)], "predict")
        scored = ScoredPairs(model, EveryPair(users, movies, wanted.at))
    _note_unknown(model, users, movies)
    return scored


def _note_unknown(model: "Model", *distinct: "pl.Series") -> None:
    """A line for the users, and one for the movies, that the model does not know."""
    from ratecast.queries.id_lists import unknown_note

    for ids in distinct:
        line = unknown_note(model, ids, "they are predicted as new ones")
        if line is not None:
            note(f"predict: {line}")


def _with_progress(tables: "Iterator[pl.DataFrame]", progress: "Bar") -> "Iterator[pl.DataFrame]":
    for table in tables:
        yield table
        progress.advance(table.height)


def _summary(result: dict[str, Any]) -> list[str]:
    where = "" if result["out"] == STDOUT else f"wrote {result['out']}: "
    count = f" in {result['parts']:,} parts" if "parts" in result else ""
    lines = [f"{where}{result['rows']:,} forecasts{count}"]
    if "rmse" in result:
        scores = f"RMSE {result['rmse']:.4f}, MAE {result['mae']:.4f}, NLL {result['nll']:.4f}"
        lines.append(f"{scores} over {result['scored']:,} true ratings")
    return lines
