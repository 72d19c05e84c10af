"""One forecast, for a person: the answer of a saved model to one user about one movie."""

from pathlib import Path
from typing import Any

from ratecast.modelling.contract.forecast import Basis
from ratecast.models import load_model
from ratecast.queries.title_lookup import movie_id, title, user_id
from ratecast.ratings import Requests


def answer(folder: Path, user: str, movie: str, at: int | None = None) -> dict[str, Any]:
    """The forecast as plain values: stars, probability of each star, and on what it rests."""
    model = load_model(folder)
    asked_user, asked_movie = user_id(model, user), movie_id(model, movie)
    forecast = model.predict(Requests.of([asked_user], [asked_movie], at))
    stars = [f"{star:g}" for star in model.scale.stars]
    return {
        "model": model.name,
        "user": asked_user,
        "movie": asked_movie,
        "title": title(model, asked_movie),
        "stars": float(forecast.stars[0]),
        "probabilities": dict(zip(stars, forecast.probabilities[0].tolist(), strict=True)),
        "history_length": int(forecast.history_length[0]),
        "basis": Basis(int(forecast.basis[0])).words,
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """The same for a terminal: one line of answer, one for each star."""
    rests = f"{facts['basis']}; {facts['history_length']} ratings of user {facts['user']} used"
    bars = [
        f"  {star:>4} {'█' * round(40 * share):<40} {share:6.1%}"
        for star, share in facts["probabilities"].items()
    ]
    return [f"{facts['title']}: {facts['stars']:.2f} stars ({rests})", *bars]
