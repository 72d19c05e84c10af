"""The nets that fold a rating in, and short settings for them."""

from typing import Any

from ratecast.modelling.factors.fold_in import FoldInNet
from ratecast.training import make_model

NETS = ("mf", "mf_bias", "neumf")
TRAINED = {"epochs": 40, "batch_size": 512, "learning_rate": 0.02, "patience": 60}
SMALL: dict[str, Any] = {"factors": 4, "trainer": TRAINED}


def fold_in(name: str, **settings: Any) -> FoldInNet:
    model = make_model(name, **settings)
    assert isinstance(model, FoldInNet)
    return model
