"""The numeric tests under other processors' kernels: `make test-kernels`.

`python -m tests.kernels [--only NAME,NAME] [PATH ...]` runs `NUMERIC`, or PATH, once for each
processor that this one can stand for: OpenBLAS takes that one's kernels, numpy leaves out what it
lacks, and numba compiles for it. Before that, `kernel_bits` compares the process that compiles the
kernels with the next, on one thread and on two. Prints what runs and what this processor cannot
run; ends with 1 if anything failed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from tests.kernel_bits import NAMES

ROOT = Path(__file__).parent.parent
NUMERIC = ("tests/modelling", "tests/models", "tests/evaluation", "tests/metrics")
# numpy's names: what it can choose from, and which of it this processor has.
_MULTIARRAY: Any = np._core._multiarray_umath  # type: ignore[attr-defined]
LEVELS: list[str] = _MULTIARRAY.__cpu_dispatch__
HAS: dict[str, bool] = _MULTIARRAY.__cpu_features__
AVX2, AVX512 = ("AVX2", "FMA3"), ("AVX512F", "AVX512_SKX")


@dataclass(frozen=True)
class Processor:
    """A kind of processor to stand for.

    needs: features of numpy's list that it has and this one must have. openblas: its core type.
    numpy: which of numpy's levels it has. numba: its name in LLVM. torch: what torch takes. All
    are empty for this processor as it is.
    """

    name: str
    needs: tuple[str, ...]
    openblas: str = ""
    numpy: tuple[str, ...] = ()
    numba: str = ""
    torch: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What makes the libraries take this processor for it."""
        if not self.openblas:
            return {}
        lacks = [level for level in LEVELS if level not in self.numpy]
        return {
            "OPENBLAS_CORETYPE": self.openblas,
            "NPY_DISABLE_CPU_FEATURES": " ".join(e for e in lacks if HAS[e]),
            "NUMBA_CPU_NAME": self.numba,
            # Else those of this processor are added.
            "NUMBA_CPU_FEATURES": "",
            "ATEN_CPU_CAPABILITY": self.torch,
        }


PROCESSORS = (
    Processor("this", ()),
    Processor("old", (), "Prescott", (), "x86-64", "default"),
    Processor("haswell", AVX2, "Haswell", ("X86_V3",), "haswell", "avx2"),
    Processor("zen", AVX2, "Zen", ("X86_V3",), "znver2", "avx2"),
    Processor(
        "skylake", AVX2 + AVX512, "SkylakeX", ("X86_V3", "X86_V4"), "skylake-avx512", "avx512"
    ),
)


def threads(count: int) -> dict[str, str]:
    """So many threads for everything."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return dict.fromkeys(names, str(count))


def bits_agree(processor: Processor) -> bool:
    """Whether a compiling process and later ones, on one thread and on two, compute the same."""
    lines = []
    with tempfile.TemporaryDirectory() as cache:
        for count in (1, 1, 2):
            own = processor.environment | threads(count) | {"NUMBA_CACHE_DIR": cache}
            command = [sys.executable, "-m", "tests.kernel_bits", *NAMES]
            run = subprocess.run(
                command,
                check=False,
                cwd=ROOT,
                env=os.environ | own,
                text=True,
                stdout=subprocess.PIPE,
            )
            lines.append((run.returncode, run.stdout))
    if lines[0][0] == 0 and len(set(lines)) == 1:
        return True
    for how, (_, text) in zip(("compiling", "loaded", "two threads"), lines, strict=True):
        print(f"{how}:\n{text}", end="")
    return False


def tests_pass(processor: Processor, count: int, paths: list[str]) -> bool:
    """Whether the tests pass: side by side on one thread each, or one after another on two."""
    apart = ["--numprocesses", "auto", "--dist", "loadscope"] if count == 1 else ["-p", "no:xdist"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *apart, *paths],
        check=False,
        cwd=ROOT,
        env=os.environ | processor.environment | threads(count),
    )
    return run.returncode == 0


def main() -> None:
    """Run all of it, and say at the end what failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", default=",".join(each.name for each in PROCESSORS))
    parser.add_argument("paths", nargs="*", default=NUMERIC)
    wanted = parser.parse_args()
    failed = []
    for processor in PROCESSORS:
        lacking = [need for need in processor.needs if not HAS.get(need)]
        if processor.name not in wanted.only.split(","):
            continue
        if lacking:
            print(f"-- {processor.name}: left out, this processor lacks {', '.join(lacking)}")
            continue
        for what, count in (("bits", 0), *product(["tests"], (1, 2))):
            name = f"{processor.name}, {what}" + (f", {count} thread(s)" if count else "")
            settings = " ".join(f"{k}='{v}'" for k, v in processor.environment.items())
            print(f"-- {name} {settings}", flush=True)
            start = time.monotonic()
            passed = (
                tests_pass(processor, count, list(wanted.paths)) if count else bits_agree(processor)
            )
            print(
                f"-- {name}: {'passed' if passed else 'FAILED'}, {time.monotonic() - start:.0f} s"
            )
            failed += [] if passed else [name]
    if failed:
        sys.exit("\n".join(["failed:", *failed]))


if __name__ == "__main__":
    main()
