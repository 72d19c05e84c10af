"""The page of a search: its history, the importance of the settings, and the best trials."""

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import polars as pl

from ratecast.atomic_write import write_text
from ratecast.evaluation.report.markup import Markup, card, joined, safe, section, table
from ratecast.evaluation.tune.metrics import METRICS
from ratecast.evaluation.tune.result import COLUMNS, Tuned
from ratecast.evaluation.tune.search import Search
from ratecast.evaluation.tune.summary import summary
from ratecast.plots import tuning

BEST = 10


def write_page(out: Path, search: Search, tuned: Tuned, command: str | None = None) -> None:
    """Write one HTML file that needs no network. command: which repeats the search."""
    title = f"Settings of {search.model}"
    package = files("ratecast.evaluation.report")
    body = [_history(tuned), _importances(tuned), _best(tuned), _all(tuned)]
    page = Template((package / "page.html").read_text("utf-8")).substitute(
        title=safe(title),
        style=(package / "page.css").read_text("utf-8"),
        head=_head(tuned, title, summary(search, tuned), command),
        body=joined(body, "\n"),
        footer=safe(
            f"ratecast {version('ratecast')} · search: Bergstra et al. 2011 (TPE) · importance: "
            "Watanabe, Bansal, Hutter 2023 (PED-ANOVA)"
        ),
    )
    write_text(out, page)


def _head(tuned: Tuned, title: str, found: str, command: str | None) -> Markup:
    label = METRICS[tuned.metric].label
    facts = {
        f"best {label}": f"{tuned.value:.4f}",
        "with the model's own settings": f"{tuned.default_value:.4f}",
        "trials": f"{tuned.trials:,}",
        "of them pruned": f"{tuned.pruned:,}",
        "of them failed": f"{tuned.failed:,}",
    }
    listed = joined(
        Markup('<li class="{}"><b>{}</b>{}</li>').filled("best-of" * (k == 0), value, name)
        for k, (name, value) in enumerate(facts.items())
    )
    code = '<p class="lead"><code>{}</code></p>'
    repeat = Markup("") if command is None else Markup(code).filled(command)
    return Markup(
        '<header><h1>{}</h1>{}<p class="lead">{}</p><ul class="facts">{}</ul></header>'
    ).filled(title, repeat, found, listed)


def _history(tuned: Tuned) -> Markup:
    measure = METRICS[tuned.metric]
    drawn = tuning.history(tuned.frame["value"].to_list(), measure.label, higher=measure.higher)
    better = "More" if measure.higher else "Less"
    return section(
        "History",
        f"{better} is better. Trial 1 has the model's own settings. Crosses: trials without a "
        "value, since they were pruned, failed or were cut off by a kill.",
        card(f"Validation {measure.label}", Markup(drawn.svg()), kind="narrow"),
    )


def _importances(tuned: Tuned) -> Markup:
    lead = (
        "How much each setting has to do with a trial being among the best; in sum 1. Rough for "
        "few trials, and for a setting that is searched in few of them."
    )
    if not tuned.importances:
        return section("Importance", "It needs 10 complete trials.")
    drawn = tuning.importances(tuned.importances)
    return section("Importance", lead, card("Settings", Markup(drawn.svg()), kind="narrow"))


def _best(tuned: Tuned) -> Markup:
    complete = tuned.frame.filter(pl.col("value").is_not_null())
    ranked = complete.sort("value", descending=METRICS[tuned.metric].higher, maintain_order=True)
    return section("Best trials", "The best one first.", card("", _rows(tuned, ranked.head(BEST))))


def _all(tuned: Tuned) -> Markup:
    return Markup("<section><details><summary>All trials</summary>{}</details></section>").filled(
        _rows(tuned, tuned.frame)
    )


def _rows(tuned: Tuned, trials: pl.DataFrame) -> Markup:
    settings = [name for name in trials.columns if name not in COLUMNS]
    header = ["trial", METRICS[tuned.metric].label, *settings, "seconds"]
    lines = [
        [row["trial"], _value(row), *(_cell(row[name]) for name in settings), _cell(row["seconds"])]
        for row in trials.iter_rows(named=True)
    ]
    return table(header, lines)


def _value(row: dict[str, Any]) -> str:
    return row["state"] if row["value"] is None else f"{row['value']:.4f}"


def _cell(value: Any) -> str:
    """In a few digits; numbers among words are text."""
    if value is None:
        return "-"
    if isinstance(value, bool | int):
        return str(value).lower()
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return str(value)
