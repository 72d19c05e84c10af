"""Values as JSON has them: no paths, no numbers of numpy, no NaN."""

import math
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """The value with paths as text, numbers of numpy as those of Python, and null for NaN."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    number = value.item() if hasattr(value, "item") else value
    return None if isinstance(number, float) and not math.isfinite(number) else number
