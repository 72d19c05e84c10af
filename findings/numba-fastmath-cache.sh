#!/usr/bin/env bash
# numba 0.68.1: a cached function with fastmath has other bits in the process that compiles it.
#
# Guess: one function, one processor, one thread and one input give one result, and cache=True saves
#   the time to compile, no more.
# Seen: with parallel=True and fastmath=True the first process prints another result than all later
#   ones, which load the function from the cache and agree (an Intel Xeon, Sapphire Rapids, Python
#   3.11: 1 compiled 087435070f5f, 2 loaded 45e95da91be1, 3 loaded 45e95da91be1). Without fastmath all
#   three agree.
# Nothing is computed wrongly: fastmath leaves the order of a sum to the optimizer. But the body of a
# prange loop is a function of its own, which is optimized, then linked into its caller and optimized
# there once more, and the two copies come out in other orders. Both have one name, and the copy that
# a process loads first is run: the first copy where the function was compiled, the second where it
# came from the cache. A fastmath function that another calls can show the same.
# To know: compare bits only between warm processes, or leave fastmath out. The order is the
# optimizer's choice for a processor: elsewhere the bits are others, and a processor may be found for
# which both orders agree; the script then fails and says so.
# Source: https://github.com/numba/numba/blob/main/numba/core/codegen.py
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet numba==0.68.1 llvmlite==0.50.0 numpy==2.4.6
cd "$place"

cat > kernels.py <<'PYTHON'
from numba import njit, prange


def add(edges, rows, vectors, matrices, sums):
    for group in prange(len(edges) - 1):
        total = sums[group]
        for i in range(edges[group], edges[group + 1]):
            x, y = vectors[rows[i]], matrices[rows[i]]
            for k in range(len(x)):
                for m in range(k + 1):
                    total[k, m] += x[k] * x[m] + y[k, m]


fast = njit(cache=True, parallel=True, fastmath=True)(add)
exact = njit(cache=True, parallel=True)(add)
PYTHON

cat > show.py <<'PYTHON'
import sys
from hashlib import sha256

import kernels
import numpy as np

draw = np.random.default_rng(0)
vectors, matrices = draw.normal(size=(50, 17)), draw.normal(size=(50, 17, 17))
rows, edges = draw.integers(50, size=400), np.arange(0, 401, 40)
sums = np.zeros((10, 17, 17))
kernel = getattr(kernels, sys.argv[1])
kernel(edges, rows, vectors, matrices, sums)
how = "compiled" if kernel.stats.cache_misses else "loaded"
print(how, sha256(sums.tobytes()).hexdigest()[:12])
PYTHON

export NUMBA_NUM_THREADS=1
venv/bin/python -c 'import sys, numba, numpy, platform
print("python", platform.python_version(), "numba", numba.__version__, "numpy", numpy.__version__)'

thrice() {
  # A cache of its own: the two kernels come from one function, whose name is the cache's key.
  for _ in 1 2 3; do NUMBA_CACHE_DIR=$place/cache-$1 venv/bin/python show.py "$1"; done
}
fast=$(thrice fast) exact=$(thrice exact)
printf 'fast:\n%s\nexact:\n%s\n' "$fast" "$exact"

bits() { awk '{ print $2 }' <<< "$1" | sort -u | wc -l; }
[ "$(awk '{ print $1 }' <<< "$fast" | tr '\n' ' ')" = "compiled loaded loaded " ] ||
  { echo "CHANGED: the cache was not used as expected"; exit 1; }
[ "$(bits "$exact")" = 1 ] || { echo "CHANGED: exact has several results"; exit 1; }
[ "$(bits "$fast")" = 2 ] || { echo "CHANGED: fast has the same bits in all three"; exit 1; }
echo "as described: compiled once, fast has bits of its own"
