"""The matrix of paired tests between models."""

from collections.abc import Sequence

from ratecast.evaluation.comparison import RMSE, ModelComparison, Pair
from ratecast.evaluation.report import markup
from ratecast.evaluation.report.markup import Cell, Markup, card, section
from ratecast.evaluation.report.tables import MEANING
from ratecast.metrics.intervals import Difference

MINUS = "\N{MINUS SIGN}"


def paired_tests(comparisons: Sequence[ModelComparison]) -> Markup:
    """The differences between models and their significance; empty for a single model."""
    cards = [_test_card(comparison) for comparison in comparisons if len(comparison.models) > 1]
    if not cards:
        return Markup("")
    return section(
        "Paired tests: which differences are significant?",
        "RMSE of the row's model minus that of the column's, in thousandths of a star, on the "
        "same rows. Coloured: significant (paired bootstrap over users, two-sided, p below 0.05 "
        "after Holm's correction over all pairs of the protocol). Plain: not significant. Below "
        "each table: every pair with its interval.",
        *cards,
    )


def _test_card(comparison: ModelComparison) -> Markup:
    ranked, models = comparison.ranked(), comparison.models
    tests: dict[tuple[str, str], tuple[Difference, int]] = {}
    for each in comparison.tests[RMSE]:
        first, second = models[each.first], models[each.second]
        tests[first, second], tests[second, first] = (each, 1), (each, -1)
    lines: list[list[object]] = [
        [row, *(_test_cell(row, column, tests.get((row, column))) for column in ranked)]
        for row in ranked
    ]
    tied = [model for model in ranked[1:] if not tests[ranked[0], model][0].significant]
    beaten = len(ranked) - 1 - len(tied)
    summary = (
        f"{ranked[0]} has the lowest RMSE, and is significantly better than {beaten} of the "
        f"{len(ranked) - 1} others"
    )
    summary += f"; the difference to {', '.join(tied)} is not significant." if tied else "."
    inside = Markup(
        '{}<p class="note">{}</p>'
        "<details><summary>Every pair, with its interval</summary>{}</details>"
    ).filled(markup.table(["", *ranked], lines, "paired-tests"), summary, _pairs(comparison))
    return card(MEANING[comparison.protocol], inside)


def _pairs(comparison: ModelComparison) -> Markup:
    return pair_table("lower by", [("RMSE", pair) for pair in comparison.pairs()])


def pair_table(by: str, pairs: Sequence[tuple[str, Pair]]) -> Markup:
    """Every pair with the name of its metric. by: heading of the difference."""
    header = ["better", "worse", "metric", by, "95 % interval", "p", "p after Holm"]
    lines = [
        [
            pair.better,
            pair.worse,
            metric,
            f"{pair.better_by:.4f}",
            f"{_signed(pair.low, 4)} to {_signed(pair.high, 4)}",
            f"{pair.p:.4f}",
            f"{pair.p_holm:.4f}",
        ]
        for metric, pair in pairs
    ]
    return markup.table(header, lines)


def _test_cell(row: str, column: str, test: tuple[Difference, int] | None) -> Cell:
    if test is None:
        return Cell.of("", "self")
    each, sign = test
    rmse = sign * each.estimate
    low, high = sorted((sign * each.low, sign * each.high))
    kind = ("win" if rmse < 0 else "lose") if each.significant else "tie"
    tooltip = (
        f"{row} minus {column}: {rmse:+.4f} stars, 95 % interval {low:+.4f} to {high:+.4f}, "
        f"p = {each.p:.4f}, after Holm {each.adjusted:.4f}"
    )
    value = Markup("{}<small>p {}</small>").filled(_signed(1000 * rmse, 1), f"{each.adjusted:.4f}")
    return Cell.of(value, kind, tooltip)


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace("-", MINUS)
