import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def bits(cache: Path, threads: int) -> str:
    """What `kernel_bits` prints in a process of its own, with this cache of compiled kernels."""
    own = {"NUMBA_CACHE_DIR": str(cache), "NUMBA_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "tests.kernel_bits", "em_sums"]
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, check=True
    )
    return run.stdout


def test_a_process_that_compiles_has_the_bits_of_one_that_loads(tmp_path: Path) -> None:
    compiling = bits(tmp_path, threads=1)
    assert compiling.startswith("em_sums ")
    assert list(tmp_path.rglob("*.nbc")), "nothing was kept, so that the next compiles anew"
    assert bits(tmp_path, threads=2) == compiling
