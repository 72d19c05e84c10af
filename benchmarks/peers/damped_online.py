"""Damped biases that grow with each rating: mean, movie, user, as `damped` has them.

Reference: Koren, Bell 2011, "Advances in collaborative filtering", eq. 5.2 and 5.3.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers.stream import walked


def walk(train: Path, parts: list[Path], settings: dict[str, Any]) -> list[Any]:
    """As-of stars of the rows of each part."""
    model = _Biases(settings["item"], settings["user"])
    return walked(model.forecast, model.learn, train, parts)


@dataclass
class _Biases:
    """Sum of residuals and damped count of each id."""

    item_damping: float
    user_damping: float
    mean: list[float] = field(default_factory=lambda: [0.0, 1e-9])
    items: dict[int, list[float]] = field(init=False)
    users: dict[int, list[float]] = field(init=False)

    def __post_init__(self) -> None:
        self.items = defaultdict(lambda: [0.0, self.item_damping])
        self.users = defaultdict(lambda: [0.0, self.user_damping])

    def forecast(self, user: int, movie: int) -> float:
        return sum(_value(one) for one in (self.mean, self.items[movie], self.users[user]))

    def learn(self, user: int, movie: int, stars: float) -> None:
        rest = stars
        for one in (self.mean, self.items[movie], self.users[user]):
            before = _value(one)
            one[0], one[1] = one[0] + rest, one[1] + 1.0
            rest -= before


def _value(one: list[float]) -> float:
    return one[0] / one[1]
