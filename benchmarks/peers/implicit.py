"""implicit: alternating least squares for clicks; it ranks, and forecasts no stars.

Reference: Takács, Pilászy, Tikk 2011, "Applications of the conjugate gradient method for implicit
feedback collaborative filtering".
"""

from pathlib import Path
from typing import Any

from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import coo_matrix

from benchmarks.peers.table import I64, Ids, Predict, columns, threads

# Its forecasts are preferences, and no stars.
RANKS_ONLY = True


def load(path: Path) -> Any:
    """A sparse matrix of users and movies."""
    users, movies, stars = columns(path)
    of_user, user_numbers = Ids.of(users)
    of_movie, movie_numbers = Ids.of(movies)
    shape = len(of_user.known) + 1, len(of_movie.known) + 1
    matrix = coo_matrix((stars, (user_numbers, movie_numbers)), shape=shape)
    return of_user, of_movie, matrix.tocsr()


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """Preferences of pairs, which have no unit; the last row of either side is the unknown's."""
    of_user, of_movie, matrix = data
    model = AlternatingLeastSquares(num_threads=threads(), random_state=0, **settings)
    model.fit(matrix, show_progress=False)

    def predict(users: I64, movies: I64) -> Any:
        user_vectors = model.user_factors[of_user.numbers(users)]
        return (user_vectors * model.item_factors[of_movie.numbers(movies)]).sum(axis=1)

    return predict
