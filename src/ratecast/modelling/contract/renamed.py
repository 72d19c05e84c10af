"""Names of version 0.1, which are accepted until 0.3 with a warning that says the new one."""

import warnings
from collections.abc import Mapping
from typing import Any

MODELS = {
    "forecast": "state_space",
    "cold": "cold_start",
    "gp": "gaussian_process",
    "bfm": "factorization_machine",
}
TRAINER = {"max_epochs": "epochs"}
DESCENT = {"decay": "l2"}
_NET = {"unknown_share": "id_dropout", "pull_users": "l2_users", "pull_movies": "l2_movies"}
SETTINGS: dict[str, dict[str, str]] = {
    "bias": {"sweeps": "iterations"},
    "knn": {
        "sweeps": "iterations",
        "shrinkage": "similarity_damping",
        "penalty": "weight_damping",
        "most_movies": "max_movies",
    },
    "als": {"sweeps": "iterations", "ridge": "l2_factors", "ridge_share": "l2_per_rating"},
    "svdpp": {
        "rate": "learning_rate",
        "rate_decay": "learning_rate_decay",
        "bias_penalty": "l2_biases",
        "penalty": "l2_factors",
        "crowd": "implicit_damping",
        "ridge": "l2_fold_in",
    },
    "attention": {"length": "max_history", "pull": "l2"},
    "mf": _NET | {"spread": "init_std"},
    "mf_bias": _NET
    | {
        "spread": "init_std",
        "pull_user_biases": "l2_user_biases",
        "pull_movie_biases": "l2_movie_biases",
    },
    "neumf": _NET | {"spread": "init_std", "pull_weights": "l2_weights"},
    "state_space": {"company": "co_rating_factors", "growth": "refresh_growth"},
    "factorization_machine": {"sweeps": "iterations", "kept": "samples", "bins": "time_bins"},
    "gaussian_process": {
        "rounds": "iterations",
        "pace": "step_scale",
        "prior": "prior_variances",
        "prior_users": "prior_damping",
        "years": "year_scale",
        "fading": "time_scales",
        "most_movies": "max_movies",
    },
    "cold_start": {"share": "smooth_share"},
    "blend": {"newcomer": "new_user_damping", "sweeps": "iterations"},
}
# Arrays that artifacts of every model hold.
SHARED = {
    "heard": "counts.users",
    "seen": "counts.movies",
    "calibration.window_heard": "calibration.history_length",
    "calibration.place": "calibration.location",
    "calibration.strangers.curves": "calibration.new_users.curves",
    "calibration.strangers.spreads": "calibration.new_users.stds",
    "calibration.noise.curves": "calibration.known_users.curves",
    "calibration.noise.spreads": "calibration.known_users.stds",
    "calibration.anchor.curves": "calibration.prior.curves",
    "calibration.anchor.spreads": "calibration.prior.stds",
}
# Arrays of artifacts, by the model that wrote them.
_HISTORY = {f"heard.{column}": f"history.{column}" for column in ("users", "movies", "stars", "at")}
_HISTORY |= {"settled": "history.merged"}
_RESIDUALS = {"news": "movie_residuals"}
_SAMPLES = {
    f"kept.{old}": f"samples.{new}"
    for old, new in (
        *((name, name) for name in ("level", "cuts", "fitted", "vectors")),
        *((name, name) for name in ("labels.user", "labels.movie")),
        ("ridge", "precision"),
        ("points", "star_means"),
        ("loose", "bin_variances"),
        ("company", "in_set"),
        ("usual", "mean_set"),
    )
}
_COLD_START = {"line": "linear", "usual_age": "mean_age"}
_COLD_START |= {
    f"surface.{old}": f"smooth.{new}"
    for old, new in (
        ("centre", "mean"),
        ("spread", "std"),
        ("waves", "frequencies"),
        ("slope", "weights"),
        ("level", "intercept"),
    )
}
_PARAMETERS = {
    "mean": "mean",
    "levels": "movie_vectors",
    "factor_cov": "factor_cov",
    "mean_var": "bias_var",
    "noise": "noise_var",
    "pooled": "pooled_noise_var",
    "pull": "l2_factors",
    "of_users": "user_regression",
    "taste_cov": "user_cov",
    "of_movies": "movie_regression",
}
_STATE_SPACE = {f"learned.{old}": f"parameters.{new}" for old, new in _PARAMETERS.items()} | {
    "basis": "co_rating_factors",
    "prior": "prior_mean",
    "pull": "implicit_weights",
    "lines": "descriptors",
    "measure.shift": "standardizer.shift",
    "measure.scale": "standardizer.scale",
    "lessons.columns": "residual_buffer.features",
    "lessons.surprise": "residual_buffer.residuals",
    "lessons.new": "residual_buffer.new",
    "trees.cuts": "trees.bin_edges",
    "trees.columns": "trees.split_features",
    "trees.edges": "trees.split_bins",
    "trees.leaves": "trees.leaf_values",
}
_SIDES = {"users.cover": "users.covariance", "movies.cover": "movies.covariance"}
ARRAYS: dict[str, dict[str, str]] = {
    "mf": _SIDES,
    "mf_bias": _SIDES,
    "neumf": _SIDES,
    "als": _SIDES,
    "attention": _SIDES | {"stranger": "unknown_user", "kept": "keys_values", "before": "previous"},
    "svdpp": {
        "covers": "users.covariance",
        "pulls": "users.rating_sums",
        "implied": "users.implicit_sums",
        "rated": "users.counts",
        "movies": "movies.weights",
        "implicit": "movies.implicit",
        "movie_covers": "movies.covariance",
        "ridges": "prior.l2",
        "prior": "prior.mean",
    },
    "state_space": _HISTORY | _STATE_SPACE,
    "factorization_machine": _HISTORY | _RESIDUALS | _SAMPLES,
    "gaussian_process": _HISTORY | _RESIDUALS,
    "cold_start": _RESIDUALS | _COLD_START,
}
_PARTS = {"trainer": TRAINER, "descent": DESCENT}


def model_name(name: str) -> str:
    """The name that a model has today."""
    if name not in MODELS:
        return name
    _warn(f"model {name!r}", MODELS[name])
    return MODELS[name]


def settings(model: str, given: Mapping[str, Any], quiet: bool = False) -> dict[str, Any]:
    """Settings of `model`, its name of today, under their names of today.

    quiet: no warning, for what a file of version 0.1 wrote by itself.
    """
    new = _current(SETTINGS.get(model, {}), given, "model.", quiet)
    return {
        key: _current(_PARTS[key], value, f"{key}.", quiet)
        if key in _PARTS and isinstance(value, Mapping)
        else value
        for key, value in new.items()
    }


def arrays(model: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays of an artifact of `model`, its name of today, under their names of today.

    A model made of others writes theirs as name/array.
    """
    new: dict[str, Any] = {}
    for key, value in given.items():
        part, slash, own = key.rpartition("/")
        part = MODELS.get(part, part)
        names = SHARED | ARRAYS.get(part or model, {})
        new[f"{part}{slash}{names.get(own, own)}"] = value
    return new


def _current(
    names: Mapping[str, str], given: Mapping[str, Any], section: str, quiet: bool
) -> dict[str, Any]:
    for old in (key for key in given if key in names and not quiet):
        _warn(f"{section}{old}", f"{section}{names[old]}")
    return {names.get(key, key): value for key, value in given.items()}


def _warn(old: str, new: str) -> None:
    about = f"{old} is called {new} now; the old name goes in 0.3"
    warnings.warn(about, FutureWarning, stacklevel=4)


def word(model: str, given: str) -> str:
    """A word of the command line, as --model.sweeps=5, with the setting's name of today."""
    option, equals, value = given.partition("=")
    section, dot, name = option.removeprefix("--").partition(".")
    names = SETTINGS.get(model, {}) if section == "model" else _PARTS.get(section, {})
    if section == "model" and name.startswith("descent."):
        section, name, names = "model.descent", name.removeprefix("descent."), DESCENT
    if not (option.startswith("--") and dot and name in names):
        return given
    _warn(f"{section}.{name}", f"{section}.{names[name]}")
    return f"--{section}.{names[name]}{equals}{value}"
