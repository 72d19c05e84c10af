"""Predicts one rating with a saved model, and formats it for the terminal."""

from pathlib import Path
from typing import Any

from ratecast.modelling.contract.forecast import LEVELS, Basis
from ratecast.models import load_model
from ratecast.queries.title_lookup import movie_id, title, user_id
from ratecast.ratings import Requests
from ratecast.visible_text import one_line


def predict_one(folder: Path, user: str, movie: str, at: int | None = None) -> dict[str, Any]:
    """The forecast as plain values: stars, their probabilities, history length and basis.

    On a continuous scale the probabilities are of ranges, and there are quantiles.

    folder: of the model. user, movie: ids as typed, or the movie's title. at: UTC seconds.
    """
    model = load_model(folder)
    own_user, own_movie = user_id(model, user), movie_id(model, movie)
    forecast = model.predict(Requests.of([own_user], [own_movie], at))
    scale, quantiles = model.scale, {}
    if scale.is_continuous:
        values = forecast.quantiles(LEVELS)[0].tolist()
        quantiles = {f"{level:g}": value for level, value in zip(LEVELS, values, strict=True)}
    shares = scale.shown(forecast.probabilities)[0].tolist()
    return {
        "model": model.name,
        "user": own_user,
        "movie": own_movie,
        "title": title(model, own_movie),
        "stars": float(forecast.stars[0]),
        "probabilities": dict(zip(scale.labels, shares, strict=True)),
        "quantiles": quantiles,
        "history_length": int(forecast.history_length[0]),
        "basis": Basis(int(forecast.basis[0])).words,
    }


def lines(result: dict[str, Any]) -> list[str]:
    """The forecast for a terminal: one line for the stars, one for each star's probability."""
    width = max(4, *map(len, result["probabilities"]))
    basis = f"{result['basis']}; {result['history_length']} ratings of user {result['user']} used"
    bars = [
        f"  {star:>{width}} {'█' * round(40 * share):<40} {share:6.1%}"
        for star, share in result["probabilities"].items()
    ]
    forecast = f"{result['title']}: {result['stars']:.2f} stars ({basis})"
    return [one_line(forecast), *bars]
