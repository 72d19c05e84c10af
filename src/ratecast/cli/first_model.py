"""The options of the training that a service begins with."""

from dataclasses import dataclass

# What is trained where nothing else is named or published, and how long that may take.
DATA, MODEL, BUDGET = "ml-100k", "auto", "60s"


@dataclass(frozen=True, kw_only=True)
class FirstModel:
    """What is trained where nothing was published.

    Args:
        data: training data, if no model was published yet.
        model: model to train, if no model was published yet.
        budget: how long the choice of auto may take, as in 60s, the default, or 5m.
    """

    data: str = DATA
    model: str = MODEL
    budget: str | None = None


NONE_GIVEN = FirstModel()
