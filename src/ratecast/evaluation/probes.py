"""Do the directions of movies' vectors mean something? Probes, beside the flat map.

A probe is the plainest model from vectors to a label that the vectors were never shown: what it
gets right of movies that it did not learn from is in the vectors.
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
    """How well each genre can be told from the vectors of movies held back: group, mean, low, high.

    mean: area under the ROC curve, 0.5 for vectors that know nothing; low, high: of the five folds.
    rows: movies of the genre. Genres of fewer than 20 movies, or not of 20, are left out.
    """
    genres = _column(vectors, "genres")
    named = sorted({g for each in genres for g in each or ()})
    flags = {g: np.array([g in (each or ()) for each in genres]) for g in named}
    lines = [
        _line(g, _held_back(vectors.vectors, of.astype(float), "genre", seed), of.sum())
        for g, of in flags.items()
        if LEAST_OF_A_GENRE <= of.sum() <= len(of) - LEAST_OF_A_GENRE
    ]
    return pl.DataFrame(lines).sort("mean", "group")


def year_probe(vectors: MovieVectors, seed: int = 0) -> pl.DataFrame:
    """How much of the movies' years their vectors explain, held back; and after a shuffle.

    mean: share of the variance (R²), 0 or less for vectors that know nothing; low, high: of the
    five folds. group: `as learned`, and `shuffled`, the same with the movies' years exchanged.
    """
    known = vectors.take(np.array([y is not None for y in _column(vectors, "year")]))
    years = np.array(_column(known, "year"), float)
    shuffled = np.random.default_rng(seed).permutation(years)
    lines = [
        _line(name, _held_back(known.vectors, y, "year", seed), len(y))
        for name, y in (("shuffled", shuffled), ("as learned", years))
    ]
    return pl.DataFrame(lines)


def axis_of(vectors: MovieVectors, genre: str) -> F64:
    """Where each movie stands along the direction of a genre: (m,), a cosine.

    The direction goes from the mean of the movies without it to the mean of those with it.
    """
    has = np.array([genre in (each or ()) for each in _column(vectors, "genres")])
    if not has.any() or has.all():
        raise InputError(f"genre {genre!r}: no movie here, or every one, is of it")
    way = vectors.vectors[has].mean(axis=0) - vectors.vectors[~has].mean(axis=0)
    lengths = np.maximum(np.linalg.norm(vectors.vectors, axis=1), 1e-12)
    stands: F64 = vectors.vectors @ way / (lengths * max(float(np.linalg.norm(way)), 1e-12))
    return stands


def principal(vectors: MovieVectors, k: int = 2) -> tuple[F64, F64]:
    """Principal components: (m, k), the first the widest, and the share of variance of each."""
    centred = vectors.vectors - vectors.vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    shares = sizes**2 / max(float((sizes**2).sum()), 1e-12)
    return left[:, :k] * sizes[:k], shares[:k]


def _held_back(x: F64, y: F64, kind: str, seed: int) -> F64:
    """Score of each of five folds."""
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
    found = {"mean": scores.mean(), "low": scores.min(), "high": scores.max()}
    return {"group": group} | {k: float(v) for k, v in found.items()} | {"rows": int(rows)}


def _column(vectors: MovieVectors, name: str) -> list[Any]:
    if name not in vectors.table.columns:
        raise InputError(f"movies: no {name} is known; train on an edition that has them")
    return vectors.table[name].to_list()
