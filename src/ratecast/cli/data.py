"""Verbs for tables of ratings."""

from pathlib import Path
from typing import Literal

from ratecast.cli.call import emit, note
from ratecast.table_options import DEFAULT, TableOptions


def fetch(edition: str, *, source: Path | None = None, json: bool = False) -> None:
    """Fetch an edition of MovieLens into the cache.

    Examples:
        ratecast data fetch ml-100k
        ratecast data fetch ml-latest-small
        ratecast data fetch ml-1m --from ~/Downloads/ml-1m.zip

    Args:
        edition: ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, ml-32m, ml-latest-small or ml-latest.
        source: the published archive, or its unpacked folder, instead of the network.
        json: print the result as one JSON document.
    """
    from ratecast.data import fetch

    folder = fetch(edition, source)
    emit({"edition": edition, "folder": folder}, str(folder), json)


def expand(
    data: str = "ml-100k",
    *,
    ratings: float,
    out: Path,
    table: TableOptions = DEFAULT,
    seed: int = 0,
    form: Literal["parquet", "csv"] = "parquet",
    json: bool = False,
) -> None:
    """Generate a large table that resembles a small one.

    For tests of speed and size. The licence of the source still applies.

    Examples:
        ratecast data expand ml-100k --ratings 1e6 --out grown
        ratecast data expand ml-100k --ratings 25e6 --out grown-csv --form csv

    Args:
        data: an edition, or a file or folder of ratings.
        table: how a table of your own is read.
        ratings: number of ratings, as in 25e6; up to 1e9.
        out: a new folder.
        seed: the same seed gives the same table.
        form: parquet, in parts sorted by time; or csv, the files of ml-25m.
        json: print the result as one JSON document.
    """
    from ratecast.data import load_table
    from ratecast.data.expand import expand
    from ratecast.output_paths import check_folder

    check_folder(out)
    folder = expand(load_table(data, table), ratings, out, seed=seed, form=form, name=data)
    emit({"source": data, "ratings": int(ratings), "folder": folder}, str(folder), json)


def describe(
    data: str = "ml-100k",
    *,
    table: TableOptions = DEFAULT,
    json: bool = False,
) -> None:
    """Describe a table: size, scale, period and how active users are.

    A table of your own is any file with a row for each rating: who rated, what, how, and perhaps
    when. What was assumed about it is printed to stderr, with the option that says otherwise; the
    other commands read the table in the same way, by the same options.

    Examples:
        ratecast data describe ml-100k
        ratecast data describe ratings.csv
        ratecast data describe ratings.csv --columns movie=film,rating=score --scale 0:10:1
        ratecast data describe ratings.txt --header no --columns user=1,movie=2,rating=5
        ratecast data describe matrix.csv --wide --missing 99

    Args:
        data: an edition of MovieLens, such as ml-1m, or a file or folder of ratings.
        table: how a table of your own is read.
        json: print the result as one JSON document.
    """
    from ratecast.data import describe, load_table
    from ratecast.evaluation import terminal as tables

    summary = describe(load_table(data, table))
    emit(summary, tables.summary_table(data, summary), json)


def split(
    data: str = "ml-100k",
    *,
    split: str = "auto",
    table: TableOptions = DEFAULT,
    seed: int = 0,
    out: Path | None = None,
    form: Literal["parquet", "csv"] = "parquet",
    json: bool = False,
) -> int:
    """Audit a split: new users, ties, leakage; write it to files.

    The exit code is 1 if the split leaks. --split is NAME, or NAME:ARGUMENT=VALUE,... of
    chronological (shares), cut (test, valid, until: dates), rolling (origins, share, fit), last
    (count, share), leave-one-out, new-users (share, given), user-kfold (folds, given), holdout
    (shares), kfold (folds), u1 to u5 of ml-100k; the first argument may stand without its name. All
    take min_user and min_movie too: the fewest ratings in train of what is forecast.

    Examples:
        ratecast data split ml-100k
        ratecast data split ml-100k --split u1
        ratecast data split ml-100k --split chronological:shares=70/10/20
        ratecast data split ml-100k --split cut:1998-03-01,valid=1998-01-01
        ratecast data split ml-100k --split last:2,min_movie=5 --out last2 --form csv
        ratecast data split ratings.csv --json

    Args:
        data: an edition, or a file or folder of ratings.
        table: how a table of your own is read.
        split: auto (chronological, or holdout without times), one of the names above, or a folder
            that --out has written; of several folds or origins, the first is printed.
        seed: of the splits that are drawn at random.
        out: a new folder for the parts of every fold; --split takes it in place of a name.
        form: of the files in it.
        json: print the result as one JSON document.
    """
    from ratecast.audit import audit, leaks
    from ratecast.cli.source import splits_of
    from ratecast.data import load_table
    from ratecast.evaluation import terminal as tables
    from ratecast.output_paths import check_folder
    from ratecast.splits import is_folder_of_splits, write_splits

    if out is not None:
        check_folder(out)
    splits = splits_of(split, data, table, seed)
    ratings = None if is_folder_of_splits(split) else load_table(data, table, lambda _: None)
    result = audit(splits[0], ratings)
    result["leaks"] += [
        f"{each.name}: {line}" for each in splits[1:] for line in leaks(each, ratings)
    ]
    if out is not None:
        write_splits(splits, out, form)
        note(f"wrote {out}; use it as --split {out}")
    emit(result, tables.audit_table(result), json)
    return 1 if result["leaks"] else 0
