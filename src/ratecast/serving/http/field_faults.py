"""What is wrong with a value that pydantic refuses, and what to do, in the words of ratecast."""

from collections.abc import Mapping, Sequence
from typing import Any

_NO_NUMBER, _NO_WHOLE, _NO_OBJECT = (
    "is no number; write one",
    "is no whole number; write one",
    "is no JSON object; write one in braces, and send Content-Type: application/json",
)
# The type of the error for a body that is no JSON; a character stands in the place of a field.
_NO_JSON = "json_invalid"
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
    _NO_JSON: "is no JSON ({error} at character {position}); correct it",
    "literal_error": "is no word that is known here; write {expected}",
    "string_too_short": "is empty; write {min_length} character or more",
    "string_too_long": "is too long; write at most {max_length} characters",
    "too_short": "has too few entries; give at least {min_length}",
    "too_long": "has too many entries; give at most {max_length}",
    "greater_than_equal": "is too low; give {ge} or more",
    "less_than_equal": "is too high; give {le} or less",
}
_MOST_NAMED = 3


def field_of(item: Mapping[str, Any]) -> str:
    """The name of the field at fault. item: an error of pydantic."""
    where, *inner = item["loc"]
    return str(where) if item["type"] == _NO_JSON or not inner else ".".join(map(str, inner))


def fault(item: Mapping[str, Any]) -> str:
    """What is wrong with a value, and what to do, in one line. item: an error of pydantic."""
    known, context = _FAULTS.get(item["type"]), dict(item.get("ctx", {}))
    if item["type"] == _NO_JSON:
        context["position"] = item["loc"][-1] + 1
    return known.format(**context) if known else " ".join(str(item["msg"]).split())


def unread(cause: BaseException | None) -> str | None:
    """What is wrong with a body that could not even be parsed; None where that is not the cause.

    cause: of the error by which FastAPI refuses it.
    """
    if isinstance(cause, UnicodeDecodeError):
        return f"is not {cause.encoding.upper()} at byte {cause.start + 1}; send JSON as UTF-8"
    if isinstance(cause, RecursionError):
        return "is nested too deep; write fewer brackets and braces within one another"
    if isinstance(cause, ValueError):
        # Of what is JSON, numbers of thousands of digits alone.
        return "has a whole number of too many digits; write fewer, or text"
    return None


def joined(lines: Sequence[str]) -> str:
    """The first lines as one, and how many more there are."""
    more = f"; and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    return "; ".join(lines[:_MOST_NAMED]) + more
