"""Vowpal Wabbit, walked: an online linear model of user and item, each rating learned once.

Reference: Langford, Li, Strehl 2007, "Vowpal Wabbit online learning project".
"""

from pathlib import Path
from typing import Any

from vowpalwabbit import Workspace

from benchmarks.peers.stream import walked


def walk(train: Path, parts: list[Path], settings: dict[str, Any]) -> list[Any]:
    """As-of stars of the rows of each part. A setting is an option of its command line."""
    model = Workspace(options(settings))
    predicted = walked(
        lambda user, movie: model.predict(features(user, movie)),
        lambda user, movie, stars: model.learn(f"{stars} {features(user, movie)}"),
        train, parts,
    )  # fmt: skip
    model.finish()
    return predicted


def options(settings: dict[str, Any]) -> str:
    """Its command line: settings are its options; 2^22 weights, so that few ids share one."""
    return " ".join(["--quiet -b 22", *(f"--{name} {value}" for name, value in settings.items())])


def features(user: int, movie: int) -> str:
    """A letter before each number: numbers alone would not be hashed, and would collide."""
    return f"|u u{user} |i i{movie}"
