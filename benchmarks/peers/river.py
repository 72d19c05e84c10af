"""River: factors and biases that learn from one rating after the other.

Reference: Montiel et al. 2021, "River: machine learning for streaming data in Python".
"""

from pathlib import Path
from typing import Any

from river import optim, reco

from benchmarks.peers.stream import walked


def walk(train: Path, parts: list[Path], settings: dict[str, Any]) -> list[Any]:
    """As-of stars of the rows of each part: learns train, then walks one tie group at a time."""
    model = _model(settings)
    return walked(model.predict_one, model.learn_one, train, parts)


def _model(settings: dict[str, Any]) -> Any:
    """With its own settings where none are given."""
    chosen = dict(settings)
    kind = chosen.pop("model")
    rate, l2 = chosen.pop("rate", None), chosen.pop("l2", None)
    if kind == "Baseline":
        more = {} if rate is None else {"optimizer": optim.SGD(rate), "l2": l2}
        return reco.Baseline(seed=0, **more)
    more = {} if rate is None else {
        "bias_optimizer": optim.SGD(rate), "latent_optimizer": optim.SGD(rate),
        "l2_bias": l2, "l2_latent": l2,
    }  # fmt: skip
    return reco.BiasedMF(seed=0, **more, **chosen)
