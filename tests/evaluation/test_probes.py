"""Probes find what was planted in vectors, and nothing where nothing is."""

import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.evaluation import probes
from ratecast.queries.movie_map import movie_map
from ratecast.queries.similar import MovieVectors


def planted(count: int = 200, seed: int = 0) -> MovieVectors:
    """The first number of a vector tells the genre, the second the year; the third is noise."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 3))
    war, luck = vectors[:, 0] > 0.5, random.random(count) > 0.5
    genres = [["War"] * int(w) + ["Luck"] * int(c) for w, c in zip(war, luck, strict=True)]
    table = pl.DataFrame(
        {
            "movie": np.arange(count),
            "genres": genres,
            "year": (1980 + 8 * vectors[:, 1] + random.normal(0, 3, count)).round().astype(int),
        }
    )
    return MovieVectors(table, np.full(count, 50), np.zeros(count), vectors)


def test_a_planted_genre_is_found_and_luck_is_not() -> None:
    found = {row["group"]: row for row in probes.genre_probe(planted()).iter_rows(named=True)}
    assert found["War"]["mean"] > 0.95
    assert abs(found["Luck"]["mean"] - 0.5) < 0.12
    assert found["War"]["low"] <= found["War"]["mean"] <= found["War"]["high"]


def test_a_planted_year_is_found_and_a_shuffled_one_is_not() -> None:
    shuffled, learned = probes.year_probe(planted())["mean"]
    assert learned == pytest.approx(64 / (64 + 9), abs=0.1)
    assert shuffled < 0.1


def test_the_axis_of_a_genre_leads_to_it() -> None:
    known = planted()
    along = probes.axis_of(known, "War")
    has = np.array(["War" in genres for genres in known.table["genres"].to_list()])
    assert along[has].min() > np.median(along[~has])
    assert np.abs(along).max() <= 1 + 1e-9
    with pytest.raises(InputError, match="genre 'Opera'"):
        probes.axis_of(known, "Opera")


def test_principal_components_are_the_widest_directions() -> None:
    known = planted()
    stretched = MovieVectors(
        known.table, known.counts, known.biases, known.vectors * np.array([1.0, 9.0, 3.0])
    )
    places, shares = probes.principal(stretched)
    assert abs(np.corrcoef(places[:, 0], known.vectors[:, 1])[0, 1]) > 0.99
    assert shares[0] > shares[1] > 0.05


def test_neighbours_stay_neighbours_on_the_map() -> None:
    random = np.random.default_rng(0)
    camps = np.repeat(np.eye(3), 20, axis=0) + random.normal(0, 0.05, (60, 3))
    known = MovieVectors(planted(60).table, np.full(60, 50), np.zeros(60), camps)
    places = movie_map(known, steps=300)
    apart = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(60)
    camp = np.repeat(np.arange(3), 20)
    assert (camp[apart.argmin(axis=1)] == camp).all()
    assert np.array_equal(places, movie_map(known, steps=300))


def test_movies_without_genres_are_refused() -> None:
    known = planted(30)
    bare = MovieVectors(known.table.drop("genres"), known.counts, known.biases, known.vectors)
    with pytest.raises(InputError, match="no column genres"):
        probes.genre_probe(bare)
