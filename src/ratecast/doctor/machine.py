"""Checks of cores, threads, memory, accelerators and compiled kernels."""

import os
from collections.abc import Iterator
from importlib.util import find_spec

import psutil

from ratecast.doctor.check import Check
from ratecast.systems import memory_limit, usable_cores

_LEAST_MEMORY = 1 << 30
_GIGA = 1e9


def examine() -> Iterator[Check]:
    """The checks of the machine."""
    yield Check("Machine", "cores", f"{usable_cores()} of {os.cpu_count()} usable", True)
    yield _kernels()
    yield _memory()
    yield from _torch()


def _kernels() -> Check:
    try:
        import numba

        compiled = numba.njit(lambda x: x + 1)
        assert compiled(1) == 2
    except Exception as error:  # Any error of the compiler is a failed check.
        step = "pip install --force-reinstall numba"
        return Check("Machine", "compiled kernels", f"fail: {error}"[:200], False, step)
    return Check("Machine", "compiled kernels", f"run; threads: {numba.get_num_threads()}", True)


def _memory() -> Check:
    memory, limit = psutil.virtual_memory(), memory_limit()
    limited = "" if limit is None else f", limited to {limit / _GIGA:.1f} GB"
    value = f"{memory.available / _GIGA:.1f} GB free of {memory.total / _GIGA:.1f} GB{limited}"
    good = memory.available > _LEAST_MEMORY
    step = "" if good else "end other programs: ml-100k needs 1 GB, larger editions more"
    return Check("Machine", "memory", value, good, step)


def _torch() -> Iterator[Check]:
    if find_spec("torch") is None:
        # It belongs to an extra, which the checks of packages tell of.
        return
    try:
        import torch

        total = float(torch.ones(2, 2).matmul(torch.ones(2, 2)).sum())
        assert total == 8
    except Exception as error:  # A broken torch fails in many ways.
        step = "pip install --force-reinstall torch"
        yield Check("Machine", "torch", f"fails: {error}"[:200], False, step)
        return
    yield Check("Machine", "torch", f"runs; threads: {torch.get_num_threads()}", True)
    yield _accelerator()


def _accelerator() -> Check:
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
        return Check("Machine", "accelerator", ", ".join(names), True)
    if torch.backends.mps.is_available():
        return Check("Machine", "accelerator", "Apple GPU (mps)", True)
    return Check("Machine", "accelerator", "none; everything runs on the CPU")
