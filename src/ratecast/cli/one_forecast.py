"""Predicts one rating with a saved model, and formats it for the terminal."""

from pathlib import Path
from typing import Any

from ratecast.modelling.contract.forecast import Basis
from ratecast.models import load_model
from ratecast.queries.title_lookup import movie_id, title, user_id
from ratecast.ratings import Requests


def predict_one(folder: Path, user: str, movie: str, at: int | None = None) -> dict[str, Any]:
    """The forecast as plain values: stars, star probabilities, history length and basis.

    folder: of the model. user, movie: ids as typed, or the movie's title. at: UTC seconds.
    """
    model = load_model(folder)
    own_user, own_movie = user_id(model, user), movie_id(model, movie)
    forecast = model.predict(Requests.of([own_user], [own_movie], at))
    stars = [f"{star:g}" for star in model.scale.stars]
    return {
        "model": model.name,
        "user": own_user,
        "movie": own_movie,
        "title": title(model, own_movie),
        "stars": float(forecast.stars[0]),
        "probabilities": dict(zip(stars, forecast.probabilities[0].tolist(), strict=True)),
        "history_length": int(forecast.history_length[0]),
        "basis": Basis(int(forecast.basis[0])).words,
    }


def lines(result: dict[str, Any]) -> list[str]:
    """The forecast for a terminal: one line for the stars, one for each star's probability."""
    basis = f"{result['basis']}; {result['history_length']} ratings of user {result['user']} used"
    bars = [
        f"  {star:>4} {'█' * round(40 * share):<40} {share:6.1%}"
        for star, share in result["probabilities"].items()
    ]
    return [f"{result['title']}: {result['stars']:.2f} stars ({basis})", *bars]
