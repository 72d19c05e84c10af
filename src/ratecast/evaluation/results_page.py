"""The results as tables: docs/results.md, the README's block, and the terminal's."""

from collections.abc import Iterable
from typing import Any

from rich.console import Group

from ratecast.evaluation.score_rows import HISTORIES, Row
from ratecast.evaluation.terminal import Cells, markdown_table, terminal_table

SEEDS = (0, 1, 2)

# Of the project that ratecast starts from. Its validation RMSE as its README says it, and as its
# code gives it after the last epoch: every user that is new goes to one untrained row.
ORIGINAL = {"mf": (1.800, 3.353), "mf_bias": (1.507, 2.970), "neumf": (1.081, 1.585)}

README_START = "<!-- results: written by `make reproduce` -->"
README_END = "<!-- /results -->"

FROZEN = ["model", "valid", "test", "± seeds", "test known", "test new", "NLL", "ECE", "fit s"]
AS_OF = ["model", "valid", "test", "± seeds", "heard 0", "1-5", "6-20", "> 20", "NLL", "ECE"]
FOLD = ["model", "u1 test", "± seeds", "MAE", "fit s"]
ORIGINALS = ["model", "published valid", "its code, valid", "ratecast, valid"]

PAGE = """# Results

Written by `make reproduce`; the figures are those of [reproduce.json](../results/reproduce.json).

MovieLens 100K, chronological split: {train:,} ratings of {train_users:,} users and
{train_items:,} movies to learn from, then {valid:,} for validation and {test:,} for the test.
{valid_new_user_rows:,} validation rows and {test_new_user_rows:,} test rows are of users who
have no rating in train. RMSE in stars, over all rows; the mean over {seeds} seeds, where the seed
matters. NLL and ECE are of the test part. How each figure is taken: [protocol](protocol.md).

## As-of: hearing each rating after its forecast

{as_of}

"heard" is how many of the user's ratings the model knew when it answered (test rows: {heard}).
NLL of the frequencies of the stars in train, whoever asks: {mean_nll:.4f} (model `mean`).

## Frozen: learned from train, hearing nothing more

{frozen}

"known" and "new" are rows of users with and without a rating in train ({known_rows:,} and
{new_rows:,} test rows).

## The official fold u1

{fold}

A model may use the moment of the row itself; `-untimed` ones do not.

## Random folds

{random}

The mean over five random folds (`make folds`): flattering, and here only to compare with papers.

## The project that ratecast starts from

{originals}

Its validation RMSE as its README gives it, and as its code yields it after the last epoch; see
[protocol](protocol.md).
"""


def page(results: dict[str, Any], folds: list[Row]) -> str:
    """docs/results.md, from the results and nothing else. folds: rows of split kfold."""
    rows = results["rows"]
    random = [_fold_line(name, found) for name, found in _found(folds, "frozen", "kfold").items()]
    found = _found(rows, "frozen")["mean"]
    heard = _heard(rows)
    return PAGE.format(
        **results["dataset"],
        seeds=len(SEEDS),
        heard=heard,
        random=markdown_table(["model", "test", "± folds", "MAE", "fit s"], random),
        mean_nll=found["test", "all"]["nll"],
        known_rows=found["test", "known-user"]["n"],
        new_rows=found["test", "new-user"]["n"],
        **{name: markdown_table(header, cells) for name, header, cells in tables(rows)},
    )


def readme_block(results: dict[str, Any]) -> str:
    """The table of the README, between its two markers: test RMSE of both protocols."""
    frozen, as_of = _found(results["rows"], "frozen"), _found(results["rows"], "as-of")
    header = ["model", "frozen: valid", "frozen: test", "as-of: valid", "as-of: test"]
    cells = [
        [name, *_parts(frozen[name]), *(_parts(as_of[name]) if name in as_of else ["", ""])]
        for name in frozen
    ]
    return markdown_table(header, cells)


def with_block(text: str, block: str) -> str:
    """`text` with `block` between its markers; without markers, as it was."""
    head, start, rest = text.partition(README_START)
    _, end, tail = rest.partition(README_END)
    return f"{head}{start}\n{block}\n{end}{tail}" if start and end else text


def printed(results: dict[str, Any]) -> Group:
    """The tables for a terminal."""
    titles = {
        "as_of": "As-of: RMSE in stars, hearing each rating after its forecast",
        "frozen": "Frozen: RMSE in stars, learned from train, hearing nothing more",
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
    frozen, as_of = _found(rows, "frozen"), _found(rows, "as-of")
    fold = _found(rows, "frozen", "u1")
    yield "as_of", AS_OF, [_as_of_line(name, found) for name, found in as_of.items()]
    yield "frozen", FROZEN, [_frozen_line(name, found) for name, found in frozen.items()]
    yield "fold", FOLD, [_fold_line(name, found) for name, found in fold.items()]
    ours = {name: _parts(found)[0] for name, found in frozen.items()}
    lines = [[n, f"{a:.3f}", f"{b:.3f}", ours.get(n, "")] for n, (a, b) in ORIGINAL.items()]
    yield "originals", ORIGINALS, lines


Found = dict[tuple[str, str], Row]


def _found(rows: list[Row], protocol: str, split: str = "chronological") -> dict[str, Found]:
    found: dict[str, Found] = {}
    for row in rows:
        if (row["protocol"], row["split"]) == (protocol, split):
            found.setdefault(row["model"], {})[row["part"], row["slice"]] = row
    return found


def _parts(found: Found) -> list[str]:
    return [f"{found[part, 'all']['rmse']:.4f}" for part in ("valid", "test")]


def _as_of_line(name: str, found: Found) -> list[str]:
    test = found["test", "all"]
    by_history_length = [f"{found['test', span]['rmse']:.4f}" for span in HISTORIES]
    sure = [f"{test['nll']:.4f}", f"{test['ece']:.4f}"]
    return [name, *_parts(found), f"{test['rmse_std']:.4f}", *by_history_length, *sure]


def _frozen_line(name: str, found: Found) -> list[str]:
    test = found["test", "all"]
    by_user = [f"{found['test', kind]['rmse']:.4f}" for kind in ("known-user", "new-user")]
    figures = [f"{test['nll']:.4f}", f"{test['ece']:.4f}", f"{test['fit_seconds']:.1f}"]
    return [name, *_parts(found), f"{test['rmse_std']:.4f}", *by_user, *figures]


def _fold_line(name: str, found: Found) -> list[str]:
    test = found["test", "all"]
    figures = [f"{test[key]:.4f}" for key in ("rmse", "rmse_std", "mae")]
    return [name, *figures, f"{test['fit_seconds']:.1f}"]


def _heard(rows: list[Row]) -> str:
    found = next(iter(_found(rows, "as-of").values()))
    return ", ".join(f"{found['test', span]['n']:,}" for span in HISTORIES)
