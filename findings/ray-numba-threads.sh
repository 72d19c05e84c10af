#!/usr/bin/env bash
# Ray and numba: a task that asks for one core gets OMP_NUM_THREADS=1 from Ray, by which NumPy's and
# PyTorch's libraries keep to it. numba does not read that variable: its parallel loops take every core
# of the machine in each task, so that as many tasks as there are cores start the square of it in
# threads. Needs a machine of two cores or more.
# Guess: a numba loop in a task of one core runs on one thread, as a matrix product does.
# Seen: OMP_NUM_THREADS is 1, numba has a thread for each core, and NUMBA_NUM_THREADS helps.
# Source: https://docs.ray.io/en/latest/ray-core/scheduling/resources.html (on OMP_NUM_THREADS)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet ray==2.60.0 numba==0.68.1 numpy==2.4.6
cat > "$folder/threads.py" <<'END'
import logging
import os
from importlib.metadata import version

import ray

ray.init(
    "local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
)


@ray.remote(num_cpus=1)
def threads():
    import numba

    @numba.njit(parallel=True)
    def used(rows):
        for i in numba.prange(len(rows)):
            rows[i] = numba.get_thread_id()

    import numpy as np

    rows = np.zeros(64, np.int64)
    used(rows)
    return os.environ.get("OMP_NUM_THREADS"), numba.get_num_threads(), len(set(rows.tolist()))


cores = len(os.sched_getaffinity(0))
assert cores > 1, "needs two cores"
told, has, worked = ray.get(threads.remote())
one = threads.options(runtime_env={"env_vars": {"NUMBA_NUM_THREADS": "1"}})
limited = ray.get(one.remote())
print(f"ray {version('ray')}, numba {version('numba')}, {cores} cores, a task of one core")
print("guess: one thread of numba")
print(f"seen: OMP_NUM_THREADS is {told}, and numba has {has} threads, of which {worked} worked;")
print(f"with NUMBA_NUM_THREADS=1 it has {limited[1]}")
assert told == "1"
assert has == cores
assert worked > 1
assert limited[1:] == (1, 1)
END
"$folder/venv/bin/python" "$folder/threads.py"
