"""Settings: what cannot be is refused in one line, and what is allowed works to its very end."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from ratecast.errors import InputError
from ratecast.modelling.contract.settings import FROM_ZERO, Limit, usual
from ratecast.models import MODELS, model_class
from ratecast.training import make_model
from tests.training.tables import few

QUICK: dict[str, dict[str, Any]] = {
    "factorization_machine": {"chains": 1, "iterations": 6, "burn_in": 2, "samples": 2},
    "blend": {"chains": 1, "iterations": 22, "learn_shares": False},
    "auto": {"chains": 1, "iterations": 22},
    "state_space": {"iterations": 2},
    "svdpp": {"epochs": 2},
    **{net: {"trainer": {"epochs": 1}} for net in ("mf", "mf_bias", "neumf", "attention")},
}
TINY = 1e-3
# Bound to other settings, to the table, or the same as those of factorization_machine.
BOUND = {
    ("factorization_machine", "iterations"), ("blend", "iterations"), ("blend", "chains"),
    ("auto", "iterations"), ("auto", "chains"),
    ("gaussian_process", "max_movies"), ("knn", "max_movies"),
}  # fmt: skip


def limited() -> list[tuple[str, str, Limit, bool]]:
    """Model, setting, its limit, and whether it is a list: of every number that can be set."""
    found = []
    for name in MODELS:
        made = model_class(name)
        limits = {"seed": FROM_ZERO} | dict(made.limits)
        for field in (field for field in fields(made) if field.init):
            limit = limits.get(field.name) or usual(field.type)
            if limit is not None:
                several = isinstance(getattr(make_model(name), field.name), list | tuple)
                found.append((name, field.name, limit, several))
    return found


LIMITED = limited()
NAMED = [f"{name}-{setting}" for name, setting, *_ in LIMITED]


@pytest.mark.parametrize(("name", "setting", "limit", "several"), LIMITED, ids=NAMED)
def test_what_cannot_be_is_refused(name: str, setting: str, limit: Limit, several: bool) -> None:
    wrong: list[Any] = [limit.low - 1, float("nan"), float("inf"), "8", None, True]
    wrong += [limit.low + 0.5] if limit.whole else []
    wrong += [limit.high] if limit.without == limit.high < np.inf else []
    for value in wrong:
        given: dict[str, Any] = {setting: [value] if several else value}
        with pytest.raises(InputError, match=rf"model.{setting} is .*; give .*{limit.words}"):
            make_model(name, **given)


@pytest.mark.parametrize(
    ("name", "setting", "limit"),
    [
        (name, setting, limit)
        for name, setting, limit, several in LIMITED
        if not several and setting != "seed" and (name, setting) not in BOUND
    ],
)
def test_the_least_that_is_allowed_works(name: str, setting: str, limit: Limit) -> None:
    least = int(limit.low) if limit.whole else (limit.low if limit.low in (0, 1) else TINY)
    split = few()
    model = make_model(name, **(QUICK.get(name, {}) | {setting: least}))
    model.fit(split.train, split.valid)
    forecast = model.predict(split.test.requests())
    assert np.isfinite(forecast.stars).all()
    np.testing.assert_allclose(forecast.probabilities.sum(axis=1), 1)


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InputError, match=r"model\.iterations is 20: none is left .* more than 20"):
        make_model("factorization_machine", iterations=20)
    with pytest.raises(InputError, match=r"model\.prior_variances is .*; give four numbers"):
        make_model("gaussian_process", prior_variances=[0.1, 0.1])
    with pytest.raises(InputError, match=r"model\.timed is 'no'; give true or false"):
        make_model("factorization_machine", timed="no")


@pytest.mark.parametrize("name", ["als", "svdpp", "state_space", "mf", "mf_bias", "neumf"])
def test_more_factors_than_memory_holds_are_refused_before_the_work(name: str) -> None:
    model = make_model(name, factors=10**10)
    with pytest.raises(InputError, match=rf"model {name}, .*: needs about .* GB .* fewer factors"):
        model.fit(few().train)
