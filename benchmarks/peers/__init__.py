"""Who is measured: each method of each package, with what it is set to and what is tried."""

from dataclasses import dataclass, field
from typing import Any

Settings = dict[str, Any]

FACTORS, EPOCHS, SWEEPS = 64, 20, 10


@dataclass(frozen=True)
class Method:
    """A way to forecast stars.

    name: in tables. module: the file of this folder that runs it. package: on the package index;
    empty for ratecast. family: methods of one family do the same work, and are compared.
    settings: of the speed parts. grid: what is tried on validation. large: what is tried on a large
    table, beside what the smaller one chose. epochs: the setting that counts
    the epochs or sweeps, with a dot before one that is a part of another; empty where none does.
    """

    name: str
    module: str
    package: str
    family: str
    settings: Settings = field(default_factory=dict)
    grid: tuple[Settings, ...] = ()
    large: tuple[Settings, ...] = ()
    ranks_only: bool = False
    epochs: str = ""


def least(settings: list[Settings], rmse: list[float]) -> Settings:
    """The settings of the least RMSE."""
    return settings[rmse.index(min(rmse))]


def with_epochs(settings: Settings, name: str, count: int) -> Settings:
    """The settings with so many epochs; name: that of `Method.epochs`."""
    first, _, rest = name.partition(".")
    return settings | {first: with_epochs(settings.get(first, {}), rest, count) if rest else count}


SGD, ALS, BIAS = "descent", "alternating", "biases"

_MF: Settings = {"model": "mf_bias", "factors": FACTORS}
_KERNEL: Settings = _MF | {"solver": "kernel", "descent": {"epochs": EPOCHS}}

METHODS = (
    Method(
        "ratecast mf_bias", "ours", "", SGD, _KERNEL,
        tuple({"descent": {"epochs": EPOCHS, "l2": x}} for x in (0.02, 0.04, 0.05, 0.08))
        + tuple({"init_std": 0.1, "descent": {"epochs": EPOCHS, "l2": x}} for x in (0.04, 0.05)),
        tuple({"init_std": 0.1, "descent": {"epochs": EPOCHS, "l2": x}} for x in (0.02, 0.03)),
        epochs="descent.epochs",
    ),
    Method(
        "LIBMF", "libmf", "libmf", SGD, {"k": FACTORS, "nr_iters": EPOCHS},
        tuple(
            {"lambda_p1": 0.0, "lambda_q1": 0.0, "lambda_p2": x, "lambda_q2": x}
            for x in (0.02, 0.05, 0.1, 0.2)
        )
        + tuple(
            {"lambda_p1": 0.0, "lambda_q1": 0.0, "lambda_p2": 0.1, "lambda_q2": 0.1, "eta": rate}
            for rate in (0.05, 0.2)
        ),
        tuple(
            {"lambda_p1": 0.0, "lambda_q1": 0.0, "lambda_p2": x, "lambda_q2": x, "eta": 0.05}
            for x in (0.05, 0.07)
        ),
        epochs="nr_iters",
    ),
    Method(
        "Cornac MF", "cornac", "cornac", SGD, {"model": "MF", "k": FACTORS, "max_iter": EPOCHS},
        tuple({"lambda_reg": x} for x in (0.01, 0.05, 0.1))
        + tuple(
            {"learning_rate": rate, "lambda_reg": x} for rate in (0.02, 0.04) for x in (0.02, 0.05)
        ),
        ({"lambda_reg": 0.03}, {"lambda_reg": 0.05}, {"learning_rate": 0.02, "lambda_reg": 0.05}),
        epochs="max_iter",
    ),
    Method(
        "Surprise SVD", "surprise", "scikit-surprise", SGD,
        {"model": "SVD", "n_factors": FACTORS, "n_epochs": EPOCHS},
        tuple({"reg_all": x} for x in (0.03, 0.05, 0.1))
        + tuple({"lr_all": rate, "reg_all": 0.05} for rate in (0.01, 0.02)),
        epochs="n_epochs",
    ),
    Method(
        "ratecast mf_bias, Lightning", "ours", "", SGD,
        _MF | {"solver": "lightning", "trainer": {"epochs": EPOCHS}}, epochs="trainer.epochs",
    ),
    Method(
        "ratecast als", "ours", "", ALS,
        {"model": "als", "factors": FACTORS, "iterations": SWEEPS, "solver": "gradients"},
        tuple({"l2_per_rating": x} for x in (0.02, 0.05, 0.1)),
        tuple({"l2_per_rating": x} for x in (0.03, 0.04)), epochs="iterations",
    ),
    Method(
        "cmfrec CMF", "cmfrec", "cmfrec", ALS, {"k": FACTORS, "niter": SWEEPS},
        ({"lambda_": 30.0}, {"lambda_": 60.0}, {"lambda_": 0.1, "scale_lam": True}),
        epochs="niter",
    ),
    Method(
        "LensKit ALS", "lenskit", "lenskit", ALS,
        {"model": "ALS", "embedding_size": FACTORS, "epochs": SWEEPS},
        tuple({"regularization": x} for x in (0.05, 0.08, 0.15)), epochs="epochs",
    ),
    Method(
        "implicit ALS", "implicit", "implicit", ALS, {"factors": FACTORS, "iterations": SWEEPS},
        ranks_only=True,
    ),
    Method("ratecast bias", "ours", "", BIAS, {"model": "bias"}),
    Method("LensKit Bias", "lenskit", "lenskit", BIAS, {"model": "Bias", "damping": 5.0}),
    Method("Surprise BaselineOnly", "surprise", "scikit-surprise", BIAS, {"model": "BaselineOnly"}),
    Method(
        "Vowpal Wabbit", "vw_table", "vowpalwabbit", BIAS, {},
        ({"learning_rate": 0.2}, {"learning_rate": 1.0}, {"power_t": 0.3}),
    ),
)  # fmt: skip

# Measured for accuracy alone.
ACCURATE = (
    Method("Surprise BaselineOnly", "surprise", "scikit-surprise", "", {"model": "BaselineOnly"},
        tuple({"bsl_options": {"method": "als", "reg_u": u, "reg_i": i}}
              for u, i in ((5, 5), (10, 10), (20, 5), (30, 20)))),
    Method("Surprise SVD", "surprise", "scikit-surprise", "", {"model": "SVD"},
        tuple({"n_factors": k, "reg_all": reg}
              for k, reg in ((10, 0.1), (50, 0.05), (50, 0.1), (50, 0.2)))),
    Method("Surprise SVD++", "surprise", "scikit-surprise", "", {"model": "SVDpp"},
        tuple({"reg_all": reg, "n_factors": k} for k, reg in ((10, 0.05), (20, 0.05)))),
    Method("Surprise KNNBaseline", "surprise", "scikit-surprise", "", {"model": "KNNBaseline"},
        tuple({"k": k, "sim_options": {"name": "pearson_baseline", "user_based": based}}
              for k in (20, 40) for based in (True, False))),
    Method("LensKit Bias", "lenskit", "lenskit", "", {"model": "Bias"},
        tuple({"damping": {"user": u, "item": i}} for u, i in ((5, 5), (10, 5), (20, 10)))),
    Method("LensKit ALS", "lenskit", "lenskit", "", {"model": "ALS"},
        tuple({"embedding_size": k, "regularization": reg}
              for k in (10, 50) for reg in (0.2, 0.4))),
    Method("Cornac MF", "cornac", "cornac", "", {"model": "MF"},
        tuple({"k": k, "lambda_reg": reg, "max_iter": 40}
              for k, reg in ((10, 0.1), (50, 0.05), (50, 0.1), (50, 0.2)))),
    Method("Cornac PMF", "cornac", "cornac", "", {"model": "PMF"},
        tuple({"k": 10, "lambda_reg": reg, "variant": "linear"} for reg in (0.001, 0.1))),
    Method("cmfrec CMF", "cmfrec", "cmfrec", "", {},
        tuple({"k": k, "lambda_": reg} for k in (8, 40) for reg in (5.0, 20.0))),
    Method("cmfrec CMF, side information", "cmfrec", "cmfrec", "", {"sides": True},
        tuple({"k": 8, "lambda_": reg, "w_user": w, "w_item": w}
              for reg in (5.0, 20.0) for w in (0.5, 5.0))),
    Method("LIBMF", "libmf", "libmf", "", {},
        tuple({"k": 16, "lambda_p1": 0.0, "lambda_q1": 0.0, "lambda_p2": x, "lambda_q2": x}
              for x in (0.05, 0.1, 0.2))),
    Method("myFM", "myfm", "myfm", "", {"rank": 8}, tuple({"rank": k} for k in (0, 4, 16))),
)  # fmt: skip

# Walked as-of: each rating is predicted before it is learned; ties together.
WALKED = (
    Method("River Baseline", "river", "river", "", {"model": "Baseline"},
        tuple({"rate": rate, "l2": l2} for rate in (0.01, 0.025) for l2 in (0.0, 0.02))),
    Method("River BiasedMF", "river", "river", "", {"model": "BiasedMF"},
        tuple({"rate": rate, "l2": l2} for rate in (0.01, 0.025) for l2 in (0.02, 0.1))),
    Method("Vowpal Wabbit", "vw", "vowpalwabbit", "", {},
        ({"learning_rate": 0.2}, {"learning_rate": 1.0}, {"power_t": 0.3},
         {"lrq": "ui7", "learning_rate": 0.1})),
)  # fmt: skip
