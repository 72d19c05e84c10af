#!/usr/bin/env bash
# scipy: of centred ratings, those equal to the mean vanish in some steps and stay in others. They are
# stored zeros; products with a sparse matrix and sums leave them out, a copy or a factor keeps them.
# Guess: a matrix of ratings keeps its entries while rows are weighed, be it by a diagonal matrix or by
#   a column of weights; at least a product with the identity changes nothing.
# Seen: four ratings of a movie are centred by user. A user of one rating and one who always gives the
#   same have zeros only; after eye @ centred both are gone: the movie has 2 ratings in place of 4, and
#   its damped mean, with a damping of 2, is -0.25 in place of -0.17.
# Source: https://github.com/scipy/scipy/issues/9318
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

import numpy as np
import scipy.sparse as sp

print(*(f"{name} {version(name)}" for name in ("scipy", "numpy")))
DAMPING = 2
user = np.array([0, 1, 1, 2, 2, 3, 3])  # One rating; 4 stars always; and two who do differ.
movie = np.array([0, 0, 1, 0, 1, 0, 1])
stars = np.array([5.0, 4.0, 4.0, 2.0, 5.0, 5.0, 4.0])
centred = sp.csr_array((stars, (user, movie)))
means = centred.sum(axis=1) / np.diff(centred.indptr)
centred.data -= np.repeat(means, np.diff(centred.indptr))


def movie_0(matrix):
    """How many ratings the first movie has, and their damped mean."""
    column = matrix.tocsc()[:, [0]]
    return column.nnz, round(float(column.sum() / (column.nnz + DAMPING)), 2)


users, movies = centred.shape
seen = {
    "centred": movie_0(centred),
    "centred.T.T": movie_0(centred.T.T),
    "centred * 1": movie_0(centred * 1),
    "weights, a column": movie_0(centred.multiply(np.ones((users, 1)))),
    "weights, a diagonal": movie_0(sp.eye_array(users) @ centred),
    "centred + nothing": movie_0(centred + sp.csr_array((users, movies))),
}
print("guess: the same for all")
for name, found in seen.items():
    print(f"seen: {name}: {found[0]} ratings, damped mean {found[1]}")
kept = {"centred", "centred.T.T", "centred * 1", "weights, a column"}
assert {name for name, found in seen.items() if found == (4, -0.17)} == kept
assert {name for name, found in seen.items() if found == (2, -0.25)} == seen.keys() - kept
END
