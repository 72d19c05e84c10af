"""Where the settings of models are searched."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """Where a setting is searched: whole numbers where low and high are; log: by ratio."""

    low: float
    high: float
    log: bool = False
