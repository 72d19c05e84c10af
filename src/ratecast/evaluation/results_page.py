"""The results as tables: docs/results.md, the block in the README, and the terminal."""

from collections.abc import Iterable
from typing import Any

from rich.console import Group

from ratecast.evaluation.score_rows import Row
from ratecast.evaluation.terminal import Cells, deviation, markdown_table, terminal_table
from ratecast.metrics.history_groups import HISTORIES

SEEDS = (0, 1, 2)

# The project that ratecast starts from: validation RMSE in its README, and after the last epoch of
# its code, which maps every new user to one untrained row.
ORIGINAL = {"mf": (1.800, 3.353), "mf_bias": (1.507, 2.970), "neumf": (1.081, 1.585)}

README_START = "<!-- results: written by `make reproduce` -->"
README_END = "<!-- /results -->"

FROZEN = ["model", "valid", "test", "± seeds", "test known", "test new", "NLL", "ECE", "fit s"]
AS_OF = ["model", "valid", "test", "± seeds", "history 0", "1-5", "6-20", "> 20", "NLL", "ECE"]
FOLD = ["model", "u1 test", "± seeds", "MAE", "fit s"]
ORIGINALS = ["model", "published valid", "its code, valid", "ratecast, valid"]

PAGE = """# Results

Written by `make reproduce`; the figures are those of [reproduce.json](../results/reproduce.json).

MovieLens 100K, chronological split: {train:,} ratings of {train_users:,} users and
{train_items:,} movies to learn from, then {valid:,} for validation and {test:,} for the test.
{valid_new_user_rows:,} validation rows and {test_new_user_rows:,} test rows are of users who
have no rating in train. RMSE in stars, over all rows; the mean over {seeds} seeds, where the seed
matters. NLL and ECE are of the test part. How each figure is taken: [protocol](protocol.md).

## As-of: the model is updated with each rating after its forecast

{as_of}

"history" is the history length: how many of the user's ratings the forecast used (test rows:
{history_rows}). NLL of the star frequencies of train, the same for every user: {mean_nll:.4f}
(model `mean`).

## Frozen: fitted on train, then not updated

{frozen}

"known" and "new" are rows of users with and without a rating in train ({known_rows:,} and
{new_rows:,} test rows).

## The official fold u1

{fold}

A model may use the time of the row itself; an `-untimed` model does not.

## Random folds

{random}

The mean over five random folds (`make folds`). Random folds leak the future and are here only for
comparison with papers.

## The project that ratecast starts from

{originals}

Validation RMSE as in its README, and as its code gives it after the last epoch; see
[protocol](protocol.md).
"""


def page(results: dict[str, Any], folds: list[Row]) -> str:
    """docs/results.md, from the results alone. folds: rows of split kfold."""
    rows = results["rows"]
    random = [_fold_line(name, own) for name, own in _by_model(folds, "frozen", "kfold").items()]
    mean = _by_model(rows, "frozen")["mean"]
    return PAGE.format(
        **results["dataset"],
        seeds=len(SEEDS),
        history_rows=_history_rows(rows),
        random=markdown_table(["model", "test", "± folds", "MAE", "fit s"], random),
        mean_nll=mean["test", "all"]["nll"],
        known_rows=mean["test", "known-user"]["n"],
        new_rows=mean["test", "new-user"]["n"],
        **{name: markdown_table(header, cells) for name, header, cells in tables(rows)},
    )


def readme_block(results: dict[str, Any]) -> str:
    """The table between the two markers of the README: RMSE of both protocols."""
    frozen, as_of = _by_model(results["rows"], "frozen"), _by_model(results["rows"], "as-of")
    header = ["model", "frozen: valid", "frozen: test", "as-of: valid", "as-of: test"]
    cells = [
        [name, *_parts(frozen[name]), *(_parts(as_of[name]) if name in as_of else ["", ""])]
        for name in frozen
    ]
    return markdown_table(header, cells)


def with_block(text: str, block: str) -> str:
    """`text` with `block` between its markers; unchanged without markers."""
    head, start, rest = text.partition(README_START)
    _, end, tail = rest.partition(README_END)
    return f"{head}{start}\n{block}\n{end}{tail}" if start and end else text


def printed(results: dict[str, Any]) -> Group:
    """The tables for a terminal."""
    titles = {
        "as_of": "As-of: RMSE in stars, updated with each rating after its forecast",
        "frozen": "Frozen: RMSE in stars, fitted on train, then not updated",
        "fold": "Official fold u1: RMSE in stars",
        "originals": "The project that ratecast starts from: validation RMSE in stars",
    }
    return Group(
        *(
            terminal_table(titles[name], header, cells)
            for name, header, cells in tables(results["rows"])
        )
    )


def tables(rows: list[Row]) -> Iterable[tuple[str, list[str], Cells]]:
    """Name, header and cells of every table."""
    frozen, as_of = _by_model(rows, "frozen"), _by_model(rows, "as-of")
    fold = _by_model(rows, "frozen", "u1")
    yield "as_of", AS_OF, [_as_of_line(name, own) for name, own in as_of.items()]
    yield "frozen", FROZEN, [_frozen_line(name, own) for name, own in frozen.items()]
    yield "fold", FOLD, [_fold_line(name, own) for name, own in fold.items()]
    ours = {name: _parts(own)[0] for name, own in frozen.items()}
    lines = [[n, f"{a:.3f}", f"{b:.3f}", ours.get(n, "")] for n, (a, b) in ORIGINAL.items()]
    yield "originals", ORIGINALS, lines


# Rows of one model by part and slice.
ModelRows = dict[tuple[str, str], Row]


def _by_model(rows: list[Row], protocol: str, split: str = "chronological") -> dict[str, ModelRows]:
    by_model: dict[str, ModelRows] = {}
    for row in rows:
        if (row["protocol"], row["split"]) == (protocol, split):
            by_model.setdefault(row["model"], {})[row["part"], row["slice"]] = row
    return by_model


def _parts(rows: ModelRows) -> list[str]:
    return [f"{rows[part, 'all']['rmse']:.4f}" for part in ("valid", "test")]


def _as_of_line(name: str, rows: ModelRows) -> list[str]:
    test = rows["test", "all"]
    by_history = [f"{rows['test', length]['rmse']:.4f}" for length in HISTORIES]
    calibration = [f"{test['nll']:.4f}", f"{test['ece']:.4f}"]
    return [name, *_parts(rows), deviation(test), *by_history, *calibration]


def _frozen_line(name: str, rows: ModelRows) -> list[str]:
    test = rows["test", "all"]
    by_user = [f"{rows['test', kind]['rmse']:.4f}" for kind in ("known-user", "new-user")]
    figures = [f"{test['nll']:.4f}", f"{test['ece']:.4f}", f"{test['fit_seconds']:.1f}"]
    return [name, *_parts(rows), deviation(test), *by_user, *figures]


def _fold_line(name: str, rows: ModelRows) -> list[str]:
    test = rows["test", "all"]
    figures = [f"{test['rmse']:.4f}", deviation(test), f"{test['mae']:.4f}"]
    return [name, *figures, f"{test['fit_seconds']:.1f}"]


def _history_rows(rows: list[Row]) -> str:
    """Number of test rows of each history length; it is the same for all models."""
    first = next(iter(_by_model(rows, "as-of").values()))
    return ", ".join(f"{first['test', length]['n']:,}" for length in HISTORIES)
