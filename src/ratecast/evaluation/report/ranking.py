"""The tables of rankings: of each user's rated rows, and of the top-N lists."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ratecast.evaluation.comparison import ModelComparison
from ratecast.evaluation.ranking import METRICS
from ratecast.evaluation.report import markup
from ratecast.evaluation.report.markup import Cell, Markup, card, section
from ratecast.evaluation.report.paired_tests import pair_table
from ratecast.evaluation.report.tables import MEANING, span
from ratecast.evaluation.score_rows import Row
from ratecast.evaluation.terminal import LISTS, list_line
from ratecast.metrics.intervals import Bootstrap, Difference

_RANKED = {
    "ndcg": "nDCG", "recall": "recall", "precision": "precision", "mrr": "MRR",
    "concordance": "order",
}  # fmt: skip


_LISTS = (
    "Coverage: share of the catalogue that is in some list. Novelty: -log2 of the share of users "
    "who rated a movie, in bits. Diversity: 1 - similarity of two movies of a list. Popularity: "
    "share of users who rated a movie; lift: by how much it is above that of what the users rated. "
    "Gini: 1 if always the same movies are listed. Recall: share of the movies that a user liked "
    "in the part that are in the list. Where train has many users, some are drawn, the same for "
    "every model. Forecasts of other programs come without lists."
)


def ranking(comparisons: Sequence[ModelComparison]) -> Markup:
    """How each user's rated rows are ranked, with 95 % intervals over users and paired tests."""
    return section(
        "Ranking",
        "How each user's rated rows are ranked, as means over n users with their 95 % intervals: "
        f"nDCG, recall and precision of the first {comparisons[0].rankings[0].k}, the reciprocal "
        "rank of the first liked movie, and the share of pairs in the right order. Bold: the best, "
        "and what does not differ from it significantly (paired bootstrap over users, p below 0.05 "
        "after Holm's correction over all pairs of the metric). The rows are those that users "
        "chose to rate, so these are no figures of lists drawn from the whole catalogue.",
        *(_ranking_card(comparison) for comparison in comparisons),
    )


def lists(rows: Sequence[Row], models: Sequence[str]) -> Markup:
    """What the top-N lists of the models are like; empty where none was measured.

    rows: of `list_rows`, of one part. models: all of them, in the order of the table.
    """
    if not rows:
        return Markup("")
    lines = {row["model"]: list_line(row) for row in rows}
    shown = [lines.get(model, [model, *[""] * (len(LISTS) - 1)]) for model in models]
    return section(
        "Lists",
        f"The {rows[0]['n']} movies of highest expected stars for each of {rows[0]['lists']:,} "
        "users of train, without what they rated there, by the model as fitted on train. Most "
        "movies of a list were never rated by its user, who might have liked them or not: so "
        "recall is low, and compares models on one split only.",
        card(f"frozen: fitted on train; {rows[0]['part']}", markup.table(LISTS, shown), _LISTS),
    )


def _ranking_card(comparison: ModelComparison) -> Markup:
    header: list[object] = ["model"]
    for column, metric in METRICS.items():
        n = int(comparison.rankings[0].counts_for(column).sum())
        header.append(Markup("{}<small>n = {}</small>").filled(_RANKED[metric], f"{n:,}"))
    columns = [_Column.of(comparison, metric) for metric in METRICS.values()]
    lines: list[list[object]] = []
    for model in comparison.ranked():
        place = comparison.models.index(model)
        lines.append([model, *(column.cell(place) for column in columns)])
    table = markup.table(header, lines)
    if len(comparison.models) > 1:
        table = Markup(
            "{}<details><summary>Every pair, with its interval</summary>{}</details>"
        ).filled(table, _pairs(comparison))
    return card(MEANING[comparison.protocol], table)


def _pairs(comparison: ModelComparison) -> Markup:
    pairs = [
        (_RANKED[metric], pair)
        for metric in METRICS.values()
        if metric in comparison.samples
        for pair in comparison.pairs(metric)
    ]
    return pair_table("higher by", pairs)


class _Column(NamedTuple):
    """One metric of all models. against_best: the test of each model against the best one."""

    sample: Bootstrap | None
    best: int
    against_best: dict[int, Difference]

    @classmethod
    def of(cls, comparison: ModelComparison, metric: str) -> "_Column":
        if metric not in comparison.samples:
            return cls(None, 0, {})
        sample = comparison.samples[metric]
        best = int(np.argmax(sample.estimates))
        tests = {
            each.first + each.second - best: each
            for each in comparison.tests[metric]
            if best in (each.first, each.second)
        }
        return cls(sample, best, tests)

    def cell(self, place: int) -> Cell:
        """A mean and its interval; empty where no user counts."""
        if self.sample is None:
            return Cell.of("")
        value = Markup("{}<small>{}</small>").filled(
            f"{self.sample.estimates[place]:.4f}", span(self.sample.intervals()[place])
        )
        if place not in self.against_best:
            return Cell.of(value, "best" if self.against_best else "")
        test = self.against_best[place]
        tooltip = (
            f"lower than the best by {abs(test.estimate):.4f}, p after Holm {test.adjusted:.4f}"
        )
        return Cell.of(value, "" if test.significant else "best", tooltip)
