from typing import Any

import numpy as np
import pytest

from ratecast.errors import InputError
from ratecast.training import make_model
from tests.planted import tastes


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("mf_bias", {"solver": "kernel", "factors": 4, "l2_users": 2.0, "l2_movies": 2.0}),
        ("als", {"solver": "gradients", "factors": 2, "l2_factors": 1.0}),
    ],
)
def test_models_fitted_by_kernels_find_planted_tastes(name: str, settings: dict[str, Any]) -> None:
    train, test, noise = tastes(seed=0)
    if name == "mf_bias":
        settings = settings | {"descent": {"epochs": 60, "learning_rate": 0.05, "l2": 0.0}}
    model = make_model(name, **settings).fit(train)
    error = model.predict(test.requests()).stars - test.stars
    assert np.sqrt(np.mean(error**2)) < 1.25 * noise


@pytest.mark.parametrize(("name", "wrong"), [("mf_bias", "sgd"), ("als", "cholesky")])
def test_a_solver_that_is_not_known_is_refused(name: str, wrong: str) -> None:
    with pytest.raises(InputError, match="solver"):
        make_model(name, solver=wrong)
