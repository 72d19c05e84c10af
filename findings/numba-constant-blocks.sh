#!/usr/bin/env bash
# numba: the loops of a step of matrix factorization, over 64 factors of single precision, written in
# blocks of 16 with an inner loop of constant length, take almost three times as long as plain loops.
# The compiler unrolls the inner loop first; what is left it no longer turns into vector instructions
# as it does the plain loop, whose length it does not even know.
# Guess: a constant inner length of one or two registers helps the compiler, or changes nothing.
# Seen: 2.8 times the seconds of the plain loops, and the same factors to a few parts in 10^5.
# Source: https://numba.readthedocs.io/en/stable/user/performance-tips.html (on loops and vectors)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet numba==0.68.1 numpy==2.4.6
cat > "$folder/blocks.py" <<'END'
import time

import numba
import numpy as np

FACTORS, USERS, MOVIES, RATINGS, BLOCK = 64, 2000, 500, 400_000, 16


@numba.njit(fastmath=True)
def plain(users, movies, pairs, stars, rate):
    for i in range(len(stars)):
        u, m = pairs[i]
        score = np.float32(0)
        for k in range(users.shape[1]):
            score += users[u, k] * movies[m, k]
        step = rate * (stars[i] - score)
        for k in range(users.shape[1]):
            p, q = users[u, k], movies[m, k]
            users[u, k] = p + step * q
            movies[m, k] = q + step * p


@numba.njit(fastmath=True)
def blocks(users, movies, pairs, stars, rate):
    for i in range(len(stars)):
        u, m = pairs[i]
        score = np.float32(0)
        for start in range(0, users.shape[1], BLOCK):
            for k in range(BLOCK):
                score += users[u, start + k] * movies[m, start + k]
        step = rate * (stars[i] - score)
        for start in range(0, users.shape[1], BLOCK):
            for k in range(BLOCK):
                p, q = users[u, start + k], movies[m, start + k]
                users[u, start + k] = p + step * q
                movies[m, start + k] = q + step * p


random = np.random.default_rng(0)
pairs = random.integers(0, (USERS, MOVIES), (RATINGS, 2)).astype(np.int32)
stars = random.normal(size=RATINGS).astype(np.float32)
seconds, factors = {}, {}
for step in (plain, blocks):
    taken = []
    for _ in range(4):
        draw = np.random.default_rng(1)
        users, movies = (draw.normal(0, 0.1, (n, FACTORS)).astype(np.float32) for n in (USERS, MOVIES))
        start = time.process_time()
        step(users, movies, pairs, stars, np.float32(0.01))
        taken.append(time.process_time() - start)
    seconds[step.__name__], factors[step.__name__] = min(taken), users

ratio = seconds["blocks"] / seconds["plain"]
print(f"numba {numba.__version__}, {FACTORS} factors, {RATINGS:,} ratings")
print("guess: blocks take as long as plain loops, or less")
print(f"seen: {ratio:.1f} times as long")
assert np.allclose(factors["plain"], factors["blocks"], atol=1e-3)
assert ratio > 1.8
END
"$folder/venv/bin/python" "$folder/blocks.py"
