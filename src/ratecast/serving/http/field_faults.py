"""What is wrong with a value that pydantic refuses, and what to do, in the words of ratecast."""

from collections.abc import Mapping, Sequence
from typing import Any

_NO_NUMBER, _NO_WHOLE, _NO_OBJECT = (
    "is no number; write one",
    "is no whole number; write one",
    "is no JSON object; write one in braces, and send Content-Type: application/json",
)
# By the type of pydantic's error; the numbers are those of its context.
_FAULTS = {
    "missing": "is missing; add it",
    "extra_forbidden": "is no field here; remove it",
    "int_type": _NO_WHOLE,
    "int_parsing": _NO_WHOLE,
    "float_type": _NO_NUMBER,
    "finite_number": _NO_NUMBER,
    "string_type": "is no text; write it in quotes",
    "list_type": "is no list; write one, in brackets",
    "model_type": _NO_OBJECT,
    "model_attributes_type": _NO_OBJECT,
    "json_invalid": "is no JSON ({error}); correct it",
    "string_too_short": "is empty; write {min_length} character or more",
    "string_too_long": "is too long; write at most {max_length} characters",
    "too_short": "has too few entries; give at least {min_length}",
    "too_long": "has too many entries; give at most {max_length}",
    "greater_than_equal": "is too low; give {ge} or more",
    "less_than_equal": "is too high; give {le} or less",
}
_MOST_NAMED = 3


def fault(item: Mapping[str, Any]) -> str:
    """What is wrong with a value, and what to do, in one line. item: an error of pydantic."""
    known = _FAULTS.get(item["type"])
    return known.format(**item.get("ctx", {})) if known else " ".join(str(item["msg"]).split())


def joined(lines: Sequence[str]) -> str:
    """The first lines as one, and how many more there are."""
    more = f"; and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    return "; ".join(lines[:_MOST_NAMED]) + more
