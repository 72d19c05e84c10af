"""Linear probes: what movie vectors encode about genres and years.

A probe is a linear model from vectors to a label that was not used in training. What it predicts
on held-out movies is information in the vectors.
Reference: Alain, Bengio 2017, "Understanding intermediate layers using linear classifier probes".
"""

from typing import Any

import numpy as np
import polars as pl

from ratecast.arrays import F64
from ratecast.errors import InputError
from ratecast.optional_packages import sklearn
from ratecast.queries.similar import MovieVectors

FOLDS = 5
LEAST_OF_A_GENRE = 20


def genre_probe(vectors: MovieVectors, seed: int = 0) -> pl.DataFrame:
    """ROC AUC of each genre, predicted from the vectors of held-out movies.

    Columns: group; mean: area under the ROC curve, 0.5 without information; low, high: of the five
    folds; rows: movies of the genre. Genres with fewer than 20 movies inside or outside are
    left out.
    """
    genres = _column(vectors, "genres")
    names = sorted({g for each in genres for g in each or ()})
    flags = {g: np.array([g in (each or ()) for each in genres]) for g in names}
    lines = [
        _line(g, _held_out(vectors.vectors, of.astype(float), "genre", seed), of.sum())
        for g, of in flags.items()
        if LEAST_OF_A_GENRE <= of.sum() <= len(of) - LEAST_OF_A_GENRE
    ]
    return pl.DataFrame(lines).sort("mean", "group")


def year_probe(vectors: MovieVectors, seed: int = 0) -> pl.DataFrame:
    """R² of the movies' years, predicted from the vectors of held-out movies; and after a shuffle.

    Columns: group: `as learned`, and `shuffled` with the years permuted; mean: R², at most 0
    without information; low, high: of the five folds; rows: movies.
    """
    known = vectors.take(np.array([y is not None for y in _column(vectors, "year")]))
    years = np.array(_column(known, "year"), float)
    shuffled = np.random.default_rng(seed).permutation(years)
    lines = [
        _line(name, _held_out(known.vectors, y, "year", seed), len(y))
        for name, y in (("shuffled", shuffled), ("as learned", years))
    ]
    return pl.DataFrame(lines)


def axis_of(vectors: MovieVectors, genre: str) -> F64:
    """Cosine of each movie's vector with the direction of a genre: (m,).

    The direction is the mean vector of the genre's movies minus that of all others.
    Raises `InputError` if no movie or every movie is of the genre.
    """
    has = np.array([genre in (each or ()) for each in _column(vectors, "genres")])
    if not has.any() or has.all():
        raise InputError(f"genre {genre!r}: no movie or every movie has it; choose another genre")
    direction = vectors.vectors[has].mean(axis=0) - vectors.vectors[~has].mean(axis=0)
    lengths = np.maximum(np.linalg.norm(vectors.vectors, axis=1), 1e-12)
    length = max(float(np.linalg.norm(direction)), 1e-12)
    cosines: F64 = vectors.vectors @ direction / (lengths * length)
    return cosines


def principal(vectors: MovieVectors, k: int = 2) -> tuple[F64, F64]:
    """Principal components, (m, k), and the share of the variance of each, (k,)."""
    centred = vectors.vectors - vectors.vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    shares = sizes**2 / max(float((sizes**2).sum()), 1e-12)
    return left[:, :k] * sizes[:k], shares[:k]


def _held_out(x: F64, y: F64, kind: str, seed: int) -> F64:
    """Cross-validated scores of five folds: (5,)."""
    linear, choice = sklearn("linear_model"), sklearn("model_selection")
    scaled = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)
    if kind == "genre":
        model: Any = linear.LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000)
        folds, score = choice.StratifiedKFold(FOLDS, shuffle=True, random_state=seed), "roc_auc"
    else:
        model = linear.Ridge(alpha=10.0)
        folds, score = choice.KFold(FOLDS, shuffle=True, random_state=seed), "r2"
    scores: F64 = choice.cross_val_score(model, scaled, y, cv=folds, scoring=score)
    return scores


def _line(group: str, scores: F64, rows: int) -> dict[str, Any]:
    summary = {"mean": scores.mean(), "low": scores.min(), "high": scores.max()}
    return {"group": group} | {k: float(v) for k, v in summary.items()} | {"rows": int(rows)}


def _column(vectors: MovieVectors, name: str) -> list[Any]:
    if name not in vectors.table.columns:
        raise InputError(f"movies: no column {name}; train on an edition that has it")
    return vectors.table[name].to_list()
