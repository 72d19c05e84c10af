from typing import Any

import numpy as np
import pytest
import torch

from ratecast.errors import InputError
from ratecast.models.neumf.extended_kalman import Gradients, predict_one
from ratecast.models.neumf.model import NeuMF
from ratecast.splits import chronological
from ratecast.training import make_model
from tests.modelling.factors.nets import SMALL, fold_in
from tests.planted import planted


def test_the_gradients_of_neumf_are_those_of_torch() -> None:
    split = chronological(planted())
    model = fold_in("neumf", **SMALL).fit(split.train, split.valid)
    assert isinstance(model, NeuMF)
    gradients = Gradients(np.empty(8), np.empty(8))
    predict_one(3, 5, model.state.sides, model.shared_weights(), gradients)
    net: Any = model.net
    net.zero_grad()
    net(torch.tensor([3]), torch.tensor([5])).backward()
    for row, slope, kind in ((3, gradients.user, "users"), (5, gradients.movie, "movies")):
        tables = getattr(net, f"gmf_{kind}"), getattr(net, f"mlp_{kind}")
        wanted = np.concatenate([table.own.weight.grad[row].numpy() for table in tables])
        np.testing.assert_allclose(slope, wanted, atol=1e-5)


def test_neumf_refuses_a_perceptron_without_layers() -> None:
    with pytest.raises(InputError, match="layers"):
        make_model("neumf", layers=())
