"""Settings as a cell of a table."""

from collections.abc import Iterator

from benchmarks.peers import Settings


def settings_text(settings: Settings) -> str:
    """Settings in a cell: name and value, without the name of what they are a part of."""
    return ", ".join(_leaves(settings)) or "its own"


def tried_text(tried: list[tuple[Settings, float]]) -> str:
    """Settings that were tried, each with its RMSE."""
    return "; ".join(f"{settings_text(settings)}: {rmse:.4f}" for settings, rmse in tried)


def _leaves(settings: Settings) -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield f"`{name}` {value}"
