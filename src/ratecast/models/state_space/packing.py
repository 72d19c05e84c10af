"""Parts of the model as named arrays of an artifact, and back."""

from dataclasses import asdict
from typing import Any

from ratecast.modelling.contract.model import Arrays


def packed(parts: dict[str, Any]) -> Arrays:
    """Every array of every part, named `part.field`. parts: dataclasses of arrays, by name."""
    return {
        f"{name}.{key}": value
        for name, part in parts.items()
        for key, value in asdict(part).items()
    }


def part_of(arrays: Arrays, name: str) -> Arrays:
    """The fields of one part, by field."""
    start = f"{name}."
    return {key.removeprefix(start): v for key, v in arrays.items() if key.startswith(start)}
