"""The tables of the report, from numbers to HTML."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from ratecast.arrays import F64
from ratecast.evaluation import terminal
from ratecast.evaluation.comparison import ModelComparison
from ratecast.evaluation.report import markup
from ratecast.evaluation.report.markup import Cell, Markup, card, joined, section
from ratecast.evaluation.score_rows import Row, in_train
from ratecast.ratings import MOVIE, USER, Ratings
from ratecast.splits import Split

MEANING = {
    "frozen": "frozen: learned from train, hearing nothing more",
    "as-of": "as-of: hearing each rating after its forecast",
}
SCORES = ["model", "RMSE", "95 % interval", "", "MAE", "NLL", "ECE", "80 %", "n"]


def head(split: Split, name: str, comparisons: Sequence[ModelComparison]) -> Markup:
    """What was measured, and the best that came of it."""
    facts = [(f"{sum(map(len, split.parts.values())):,}", "ratings")]
    for column, word in ((USER, "users"), (MOVIE, "movies")):
        ids = {value for each in split.parts.values() for value in each.frame[column].unique()}
        facts.append((f"{len(ids):,}", word))
    scale = split.train.scale
    facts.append((f"{scale.low:g} to {scale.high:g}", f"stars, in steps of {scale.step:g}"))
    facts.append((f"{split.train.stars.mean(dtype=np.float64):.3f}", "stars on average in train"))
    header = ["part", "ratings", "users", "movies", "of new users", "of new movies"]
    header += ["from", "to (UTC)"] if split.train.timed else []
    return Markup(
        '<header><h1>{}</h1><p class="lead">{}</p><ul class="facts best-of">{}</ul>'
        '<ul class="facts">{}</ul>{}</header>'
    ).filled(
        f"How well ratings of {name} are forecast",
        f"Split {split.name}. Intervals, tests and plots are of the {comparisons[0].name} part. "
        "RMSE in stars, over all rows; lower is better.",
        _tiles([_best(comparison) for comparison in comparisons]),
        _tiles(facts),
        markup.table(header, [_part_line(key, split) for key in split.parts], "parts"),
    )


def scores(rows: Sequence[Row], comparisons: Sequence[ModelComparison]) -> Markup:
    """Every model's figures on the part, from the lowest RMSE to the highest."""
    ends = np.concatenate([comparison.bootstrap.intervals() for comparison in comparisons])
    limits = (float(ends.min()), float(ends.max()))
    return section(
        "Scores",
        "The bar is the 95 % interval of the RMSE, by resampling users, on one scale. "
        "NLL in nats; the frequencies of the stars in train, whoever asks, have "
        f"{_frequency_nll(comparisons[0].part, comparisons[0].train):.4f}. ECE is the calibration "
        "error, 0 at best. 80 % is how much of the given stars lies in the central 80 % "
        "interval, 0.800 when calibrated. Best figures are bold.",
        *(
            card(MEANING[c.protocol], markup.table(SCORES, _score_lines(rows, c, limits), "scores"))
            for c in comparisons
        ),
    )


def slices(rows: Sequence[Row], comparisons: Sequence[ModelComparison]) -> Markup:
    """RMSE of every model on every slice, with its n."""
    cards = []
    for comparison in comparisons:
        found = {
            (row["model"], row["slice"]): row
            for row in rows
            if (row["protocol"], row["part"]) == (comparison.protocol, comparison.name)
        }
        names = list(dict.fromkeys(piece for _, piece in found))
        header: list[object] = ["model"]
        for piece in names:
            n = found[comparison.models[0], piece]["n"]
            header.append(Markup("{}<small>n = {}</small>").filled(piece, f"{n:,}"))
        best = {piece: min(found[m, piece]["rmse"] for m in comparison.models) for piece in names}
        lines = [
            [model, *(_figure(found[model, piece], "rmse", best[piece]) for piece in names)]
            for model in comparison.ranked()
        ]
        cards.append(card(MEANING[comparison.protocol], markup.table(header, lines)))
    return section(
        "Who asks, and about what",
        "RMSE by what was known: a user or movie is new if it has no rating in train; heard "
        "counts the user's ratings that the model knew at that moment.",
        *cards,
    )


def cost(rows: Sequence[Row], part: str) -> Markup:
    """Fit seconds and predictions a second of every model, beside its RMSE."""
    every = [row for row in rows if (row["part"], row["slice"]) == (part, "all")]
    models = list(dict.fromkeys(row["model"] for row in every))
    protocols = list(dict.fromkeys(row["protocol"] for row in every))
    found = {(row["model"], row["protocol"]): row for row in every}
    header = ["model", "fit, s", *(f"predictions/s, {p}" for p in protocols)]
    lines = []
    for model in models:
        mine = [found.get((model, asked)) for asked in protocols]
        fit = next(row["fit_seconds"] for row in mine if row)
        speeds = [f"{row['predictions_per_second']:,}" if row else "" for row in mine]
        lines.append([model, f"{fit:,.2f}", *speeds])
    return section(
        "Cost",
        "Wall-clock time on the machine that wrote this page. As-of predictions include hearing "
        "every rating, and the refits of models that have them.",
        card("Time to fit, and speed", markup.table(header, lines), kind="narrow"),
    )


def every(rows: Sequence[Row]) -> Markup:
    """All rows, folded away."""
    header = ["model", "protocol", *(name for name in terminal.SCORE_HEADER if name != "± seeds")]
    seeds = terminal.SCORE_HEADER.index("± seeds")
    lines = [
        [row["model"], row["protocol"], *cells[:seeds], *cells[seeds + 1 :]]
        for row, cells in zip(rows, terminal.score_cells(list(rows)), strict=True)
    ]
    return Markup("<section><details><summary>{}</summary>{}</details></section>").filled(
        f"Every figure of every part and slice ({len(rows):,} rows)", markup.table(header, lines)
    )


def _tiles(facts: Sequence[tuple[str, str]]) -> Markup:
    return joined(Markup("<li><b>{}</b> {}</li>").filled(*fact) for fact in facts)


def _best(comparison: ModelComparison) -> tuple[str, str]:
    model = comparison.ranked()[0]
    column = comparison.models.index(model)
    rmse, interval = comparison.bootstrap.rmse[column], comparison.bootstrap.intervals()[column]
    return f"{rmse:.4f}", f"RMSE {comparison.protocol}: {model} ({_span(interval)})"


def _part_line(key: str, split: Split) -> list[object]:
    part = split.parts[key]
    line: list[object] = [key, f"{len(part):,}"]
    line += [f"{part.frame[column].n_unique():,}" for column in (USER, MOVIE)]
    for column in (USER, MOVIE):
        new = ~in_train(column, part, split.train)
        line.append("" if key == "train" else f"{float(new.mean()):.1%}")
    return line + ([_day(part.at.min()), _day(part.at.max())] if split.train.timed else [])


def _day(at: int) -> str:
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%d")


def _score_lines(
    rows: Sequence[Row], comparison: ModelComparison, limits: tuple[float, float]
) -> list[list[object]]:
    key = (comparison.protocol, comparison.name, "all")
    found = {r["model"]: r for r in rows if (r["protocol"], r["part"], r["slice"]) == key}
    intervals = dict(zip(comparison.models, comparison.bootstrap.intervals(), strict=True))
    best = {
        name: min(row[name] for row in found.values()) for name in ("rmse", "mae", "nll", "ece")
    }
    return [
        [
            model,
            _figure(found[model], "rmse", best["rmse"]),
            _span(intervals[model]),
            _strip(found[model]["rmse"], intervals[model], limits),
            *(_figure(found[model], name, best[name]) for name in ("mae", "nll", "ece")),
            f"{found[model]['coverage']:.3f}",
            f"{found[model]['n']:,}",
        ]
        for model in comparison.ranked()
    ]


def _span(interval: F64) -> str:
    low, high = interval.tolist()
    return f"{low:.4f} \N{EN DASH} {high:.4f}"


def _figure(row: Row, name: str, best: float) -> Cell:
    return Cell.of(f"{row[name]:.4f}", "best" if row[name] == best else "")


def _strip(value: float, interval: F64, limits: tuple[float, float]) -> Cell:
    """A small drawing of an interval on the scale `limits`."""
    span = max(limits[1] - limits[0], 1e-9)
    places = [5 + 130 * (each - limits[0]) / span for each in (interval[0], interval[1], value)]
    drawn = Markup(
        '<svg viewBox="0 0 140 14" class="strip" aria-hidden="true"><path class="rail" '
        'd="M5 7H135"/><path d="M{} 7H{}"/><circle cx="{}" cy="7" r="3.5"/></svg>'
    ).filled(*(f"{place:.1f}" for place in places))
    return Cell.of(drawn, "drawn")


def _frequency_nll(part: Ratings, train: Ratings) -> float:
    """NLL of the star frequencies of `train`, each count raised by 1."""
    count = np.bincount(train.scale.index(train.stars), minlength=len(train.scale.stars)) + 1.0
    return float(-np.log(count / count.sum())[part.scale.index(part.stars)].mean())
