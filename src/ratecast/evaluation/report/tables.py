"""The tables of the report."""

from collections.abc import Sequence
from math import isnan

import numpy as np

from ratecast.arrays import F64
from ratecast.data.summary import day
from ratecast.evaluation import terminal
from ratecast.evaluation.comparison import ModelComparison
from ratecast.evaluation.protocol import Trial
from ratecast.evaluation.report import markup
from ratecast.evaluation.report.markup import Cell, Markup, card, joined, section
from ratecast.evaluation.score_rows import Row
from ratecast.evaluation.slice_scores import in_train
from ratecast.evaluation.terminal import deviation
from ratecast.ratings import MOVIE, USER, Ratings
from ratecast.splits import Split

MEANING = {
    "frozen": "frozen: fitted on train, then not updated",
    "as-of": "as-of: updated with each rating after its forecast",
}
# What two scores are on a scale of stars, and on a continuous one.
_NLL_OF = (
    "NLL in nats; that of the star frequencies",
    "NLL in nats, of the density of the rating; that of a histogram",
)
_ECE_OF = (
    "ECE is the calibration error",
    "ECE is the calibration error of the quantiles, the mean of |share of ratings below - level|",
)
SCORES = ["model", "RMSE", "95 % interval", "", "MAE", "NLL", "ECE", "80 %", "n"]


def head(
    split: Split, name: str, rows: Sequence[Row], comparisons: Sequence[ModelComparison]
) -> Markup:
    """The data, the split, and the best score of each protocol."""
    facts = [(f"{sum(map(len, split.parts.values())):,}", "ratings")]
    for column, word in ((USER, "users"), (MOVIE, "movies")):
        ids = {value for each in split.parts.values() for value in each.frame[column].unique()}
        facts.append((f"{len(ids):,}", word))
    scale = split.train.scale
    kind = "continuous" if scale.step is None else f"in steps of {scale.step:g}"
    facts.append((f"{scale.low:g} to {scale.high:g}", f"stars, {kind}"))
    facts.append((f"{split.train.stars.mean(dtype=np.float64):.3f}", "stars on average in train"))
    header = ["part", "ratings", "users", "movies", "of new users", "of new movies"]
    header += ["from", "to (UTC)"] if split.train.timed else []
    return Markup(
        '<header><h1>{}</h1><p class="lead">{}</p><ul class="facts best-of">{}</ul>'
        '<ul class="facts">{}</ul>{}</header>'
    ).filled(
        f"How well ratings of {name} are forecast",
        f"Split {split.name}. Intervals, tests and plots are for the {comparisons[0].name} part. "
        f"RMSE in stars, over all rows; lower is better.{_means(split, rows)}",
        _tiles([_best(rows, comparison) for comparison in comparisons]),
        _tiles(facts),
        markup.table(header, [_part_line(key, split) for key in split.parts], "parts"),
    )


def scores(rows: Sequence[Row], comparisons: Sequence[ModelComparison]) -> Markup:
    """Every model's scores on the part, lowest RMSE first."""
    ends = [end for c in comparisons for row in _whole(rows, c).values() for end in _drawn(row)]
    limits, scale = (min(ends), max(ends)), comparisons[0].train.scale
    return section(
        "Scores",
        "The bar is the 95 % interval of the RMSE, by a bootstrap over users, on one scale. "
        f"{_NLL_OF[scale.is_continuous]} of train, the same for every user, is "
        f"{_frequency_nll(comparisons[0].part, comparisons[0].train):.4f}. "
        f"{_ECE_OF[scale.is_continuous]}, 0 at best. 80 % is the coverage of the central 80 % "
        "interval, 0.800 if calibrated. The best scores are bold.",
        *(
            card(MEANING[c.protocol], markup.table(SCORES, _score_lines(rows, c, limits), "scores"))
            for c in comparisons
        ),
    )


def slices(rows: Sequence[Row], comparisons: Sequence[ModelComparison]) -> Markup:
    """RMSE of every model on every slice, with its n."""
    cards = []
    for comparison in comparisons:
        scored = {
            (row["model"], row["slice"]): row
            for row in rows
            if (row["protocol"], row["part"]) == (comparison.protocol, comparison.name)
        }
        names = list(dict.fromkeys(name for _, name in scored))
        header: list[object] = ["model"]
        for name in names:
            n = scored[comparison.models[0], name]["n"]
            header.append(Markup("{}<small>n = {}</small>").filled(name, f"{n:,}"))
        best = {name: min(scored[m, name]["rmse"] for m in comparison.models) for name in names}
        lines = [
            [model, *(_figure(scored[model, name], "rmse", best[name]) for name in names)]
            for model in comparison.ranked()
        ]
        cards.append(card(MEANING[comparison.protocol], markup.table(header, lines)))
    return section(
        "Slices",
        "RMSE by slice. A user or movie is new if it has no rating in train; the history length "
        "counts the user's ratings that the forecast used.",
        *cards,
    )


def columns(trials: Sequence[Trial]) -> Markup:
    """What each column of side information is worth to each model; empty without any."""
    by_model = {trial.model: trial.importances for trial in trials if trial.importances}
    if not by_model:
        return Markup("")
    header = ["model", "column", "of the", "RMSE rises by", "n", "of new ones", "n"]
    lines = [
        [model, one.column, f"{one.kind}s", f"{one.rmse:+.4f}", f"{one.n:,}"]
        + ([f"{one.rmse_new:+.4f}", f"{one.n_new:,}"] if one.n_new else ["", "0"])
        for model, importances in by_model.items()
        for one in importances
    ]
    return section(
        "Side information",
        "By how much the RMSE of frozen forecasts rises, in stars, if the values of one column are "
        "permuted among the users or movies; about 0 or below is worth nothing. A model that has "
        "learned a movie from its ratings no longer looks at some of its columns, so look at the "
        "rows of new users or movies. What a column gave to the fit is not in these figures.",
        card("Permutation importance", markup.table(header, lines), kind="narrow"),
    )


def cost(rows: Sequence[Row], part: str) -> Markup:
    """Fit seconds and predictions per second of every model."""
    whole_part = [row for row in rows if (row["part"], row["slice"]) == (part, "all")]
    models = list(dict.fromkeys(row["model"] for row in whole_part))
    protocols = list(dict.fromkeys(row["protocol"] for row in whole_part))
    by_protocol = {(row["model"], row["protocol"]): row for row in whole_part}
    header = ["model", "fit, s", *(f"predictions/s, {p}" for p in protocols)]
    lines = []
    for model in models:
        own = [by_protocol.get((model, protocol)) for protocol in protocols]
        fit = next(row["fit_seconds"] for row in own if row)
        speeds = [f"{row['predictions_per_second']:,}" if row else "" for row in own]
        lines.append([model, f"{fit:,.2f}", *speeds])
    return section(
        "Cost",
        "Wall-clock time on the machine that wrote this page. As-of predictions include the "
        "update with every rating, and the refreshes of models that have them.",
        card("Time to fit, and speed", markup.table(header, lines), kind="narrow"),
    )


def all_rows(rows: Sequence[Row]) -> Markup:
    """All rows, collapsed."""
    header = ["model", "protocol", *(name for name in terminal.SCORE_HEADER if name != "± runs")]
    seeds = terminal.SCORE_HEADER.index("± runs")
    lines = [
        [row["model"], row["protocol"], *cells[:seeds], *cells[seeds + 1 :]]
        for row, cells in zip(rows, terminal.score_cells(list(rows)), strict=True)
    ]
    return Markup("<section><details><summary>{}</summary>{}</details></section>").filled(
        f"All scores of every part and slice ({len(rows):,} rows)", markup.table(header, lines)
    )


def _tiles(facts: Sequence[tuple[str, str]]) -> Markup:
    return joined(Markup("<li><b>{}</b> {}</li>").filled(*fact) for fact in facts)


def _means(split: Split, rows: Sequence[Row]) -> str:
    """What is of one split only, where the scores are means over several."""
    if not rows or rows[0]["split"] == split.name:
        return ""
    return f" Scores are means over all splits of {rows[0]['split']}; the rest is of this one."


def _whole(rows: Sequence[Row], comparison: ModelComparison) -> dict[str, Row]:
    """The scores of each model over all rows of the part, lowest RMSE first."""
    key = (comparison.protocol, comparison.name, "all")
    found = [row for row in rows if (row["protocol"], row["part"], row["slice"]) == key]
    return {row["model"]: row for row in sorted(found, key=lambda row: row["rmse"])}


def _drawn(row: Row) -> tuple[float, float]:
    """The ends of the interval of the RMSE, at the RMSE where there is none."""
    low, high = row["rmse_low"], row["rmse_high"]
    return (row["rmse"], row["rmse"]) if isnan(low) else (low, high)


def _best(rows: Sequence[Row], comparison: ModelComparison) -> tuple[str, str]:
    model, row = next(iter(_whole(rows, comparison).items()))
    interval = _interval(row)
    words = f"RMSE {comparison.protocol}: {model}"
    return f"{row['rmse']:.4f}", f"{words} ({interval})" if interval else words


def _interval(row: Row) -> str:
    return "" if isnan(row["rmse_low"]) else span(np.array(_drawn(row)))


def _part_line(key: str, split: Split) -> list[object]:
    part = split.parts[key]
    line: list[object] = [key, f"{len(part):,}"]
    line += [f"{part.frame[column].n_unique():,}" for column in (USER, MOVIE)]
    for column in (USER, MOVIE):
        new = ~in_train(column, part, split.train)
        line.append("" if key == "train" else f"{float(new.mean()):.1%}")
    return line + ([day(int(part.at.min())), day(int(part.at.max()))] if split.train.timed else [])


def _score_lines(
    rows: Sequence[Row], comparison: ModelComparison, limits: tuple[float, float]
) -> list[list[object]]:
    scored = _whole(rows, comparison)
    best = {
        name: min((row[name] for row in scored.values() if not isnan(row[name])), default=0.0)
        for name in ("rmse", "mae", "nll", "ece")
    }
    return [
        [
            f"{model} ± {deviation(row)}" if deviation(row) else model,
            _figure(row, "rmse", best["rmse"]),
            _interval(row),
            _strip(row["rmse"], _drawn(row), limits),
            *(_figure(row, name, best[name]) for name in ("mae", "nll", "ece")),
            terminal.figure(row["coverage"], 3),
            f"{row['n']:,}",
        ]
        for model, row in scored.items()
    ]


def span(interval: F64) -> str:
    """The two ends of an interval, (2,)."""
    low, high = interval.tolist()
    return f"{low:.4f} \N{EN DASH} {high:.4f}"


def _figure(row: Row, name: str, best: float) -> Cell:
    return Cell.of(terminal.figure(row[name], 4), "best" if row[name] == best else "")


def _strip(value: float, interval: tuple[float, float], limits: tuple[float, float]) -> Cell:
    """A small SVG of an interval on the scale `limits`."""
    span = max(limits[1] - limits[0], 1e-9)
    x = [5 + 130 * (each - limits[0]) / span for each in (interval[0], interval[1], value)]
    drawn = Markup(
        '<svg viewBox="0 0 140 14" class="strip" aria-hidden="true"><path class="rail" '
        'd="M5 7H135"/><path d="M{} 7H{}"/><circle cx="{}" cy="7" r="3.5"/></svg>'
    ).filled(*(f"{pixels:.1f}" for pixels in x))
    return Cell.of(drawn, "drawn")


def _frequency_nll(part: Ratings, train: Ratings) -> float:
    """NLL of the frequencies of the stars, or cells, of `train`, with 1 added to each count."""
    scale = train.scale
    count = np.bincount(scale.index(train.stars), minlength=len(scale.stars)) + 1.0
    width = scale.cell_width if scale.is_continuous else 1.0
    return float(-np.log(count / count.sum() / width)[scale.index(part.stars)].mean())
