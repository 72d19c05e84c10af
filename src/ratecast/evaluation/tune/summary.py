"""What a search has found, in a line."""

from typing import Any

from ratecast.evaluation.tune.result import Tuned
from ratecast.evaluation.tune.search import Search


def summary(search: Search, tuned: Tuned) -> str:
    """A line of what was found."""
    count = len(search.folds)
    over = f", over {count} folds of train and valid" if count > 1 else ""
    change = f"{tuned.default_value:.4f} -> {tuned.value:.4f}"
    settings = "  ".join(f"{name} {_in_word(value)}" for name, value in tuned.settings.items())
    return f"valid {search.measure.label}, {search.protocol}{over}: {change} with {settings}"


def _in_word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value:.4g}"
