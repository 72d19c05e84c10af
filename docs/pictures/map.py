"""Draws the map of the movies, light and dark in one SVG: python docs/pictures/map.py [FOLDER]."""

import sys
from pathlib import Path

import numpy as np

from ratecast import data
from ratecast.plots import vectors
from ratecast.queries.movie_map import movie_map
from ratecast.queries.similar import MovieVectors
from ratecast.ratings import Ratings
from ratecast.training import make_model

HERE = Path(__file__).parent
GENRES = ["Children's", "Sci-Fi", "Horror", "Romance", "Film-Noir"]
LEAST, NAMED = 50, 150


def main(
    folder: Path = HERE,
    ratings: Ratings | None = None,
    name: str = "state_space",
    least: int = LEAST,
) -> Path:
    """Fit on all ratings, compute the map, draw it; returns the picture's path."""
    table = data.load("ml-100k") if ratings is None else ratings
    every = MovieVectors.of(make_model(name).fit(table))
    known = every.take(every.counts >= least)
    famous = np.argsort(-known.counts, kind="stable")[:NAMED].tolist()
    drawn = vectors.movie_map(
        known, movie_map(known), famous, GENRES, "t-SNE of the movies' cosines"
    )
    return drawn.save(folder / "movies.svg")


if __name__ == "__main__":
    print(f"wrote {main(Path(sys.argv[1]) if sys.argv[1:] else HERE)}")
