#!/usr/bin/env bash
# numba: one assignment to a slice makes a kernel compile the string functions of numba, for the text
# of an error. A loop of two lines in its place compiles in a fraction of the time.
# Guess: row[:] = 0 and a loop that sets row[k] = 0 compile about equally fast; the shorter one is
#   the one to write.
# Seen: the kernel with the loop compiles one function; the one with a slice set to a vector compiles
#   tens of others, string functions among them, and takes many times as long (0.15 and 4.3 CPU seconds
#   here). In a package with some fifty kernels that is half a minute of a first start.
# Source: https://github.com/numba/numba/blob/main/numba/np/arrayobj.py (the setitem of arrays, whose
#   broadcast error is made of strings at run time)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet numba==0.68.1 llvmlite==0.50.0 numpy==2.4.6
cat > "$folder/compile.py" <<'END'
import sys
import time

import numba
import numpy as np
from numba import njit
from numba.core import event


def loop(into, numbers):
    for k in range(len(numbers)):
        into[k] = numbers[k]


def slices(into, numbers):
    into[:] = numbers


class Names(event.Listener):
    """Collects the names of what is compiled."""

    def __init__(self):
        self.found = []

    def on_start(self, begun):
        function = begun.data["dispatcher"].py_func
        self.found.append(f"{function.__module__}.{function.__name__}")

    def on_end(self, ended):
        pass


names = Names()
event.register("numba:compile", names)
njit(lambda a: a[0])(np.zeros(1))  # What every first kernel costs.
names.found.clear()
start = time.process_time()
njit({"loop": loop, "slices": slices}[sys.argv[1]])(np.zeros(3), np.ones(3))
seconds = time.process_time() - start
texts = sum("unicode" in name for name in names.found)
print(numba.__version__, len(names.found), texts, round(seconds, 2))
END
echo "guess: both compile one function, about equally fast"
counts=()
for kind in loop slices; do
  read -r version compiled texts seconds < <("$folder/venv/bin/python" "$folder/compile.py" $kind)
  echo "seen: numba $version, $kind: $compiled functions, $texts of strings, $seconds CPU seconds"
  counts+=("$compiled" "$texts")
done
[ "${counts[0]}" = 1 ] && [ "${counts[1]}" = 0 ]
[ "${counts[2]}" -gt 10 ] && [ "${counts[3]}" -gt 0 ]
