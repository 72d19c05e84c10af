"""What operating systems do differently: locks, syncs, names of open files, ports, cores, memory.

Linux, macOS and Windows. No other module uses what one of them alone has.
"""

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ratecast.errors import InputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

WINDOWS = sys.platform == "win32"
# Windows bars others from the byte that is locked: one behind all that is read or written.
_LOCKED_BYTE = 1 << 30
_OPEN_ELSEWHERE_SECONDS = 5.0
_LAST_PORT = 65_535


def lock(file: BinaryIO) -> bool:
    """Take the lock of an open file until it is closed; False where another process holds it.

    Raises `OSError` where the file's disk has no locks.
    """
    try:
        if sys.platform == "win32":
            os.lseek(file.fileno(), _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    # Windows opens no folder, and writes names with the journal of its file system.
    if WINDOWS and path.is_dir():
        return
    # It syncs only what may be written.
    handle = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename(new: Path, path: Path) -> None:
    """Give a file or folder the name `path`, in one step; a file that had the name is replaced.

    Windows refuses that while a program has the old one open: then it is tried for some seconds.
    Raises `InputError` if the file stays open.
    """
    end = time.monotonic() + _OPEN_ELSEWHERE_SECONDS
    while True:
        try:
            new.replace(path)
        except PermissionError:
            if not WINDOWS:
                raise
            if time.monotonic() > end:
                raise InputError(
                    f"{path}: another program has it open, and Windows lets no one replace it; "
                    "end that program, and run this again"
                ) from None
            time.sleep(0.05)
        else:
            return


def others_may_read(mode: int) -> bool:
    """Whether a file of this mode is open to other users; on Windows the mode does not say so."""
    return not WINDOWS and bool(mode & 0o077)


def checked_port(port: int, command: str) -> None:
    """Raise `InputError` for a number that is no port. command: what is given it."""
    if not 0 <= port <= _LAST_PORT:
        raise InputError(f"{command}: --port is {port}; give a number up to {_LAST_PORT}")


def bound_socket(host: str, port: int, command: str, options: str = "--port") -> socket.socket:
    """A socket bound to an address of this machine, which no other server has.

    port: from 0 (any that is free) to 65,535. command, options: what serves there, and where
    it is given the address, for the message. Raises `InputError` if host or port are not available.
    """
    checked_port(port, command)
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if sys.platform == "win32":
        # There SO_REUSEADDR would let two servers have the same port.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        # A port that a server has just left.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise InputError(
            f"{command}: {host}:{port} is not available ({error.strerror or error}); "
            f"give another {options}"
        ) from None
    return bound


def in_forked_children(call: Callable[[], Any]) -> None:
    """Call it at the start of every process that is forked from this one; Windows has none."""
    if sys.platform != "win32":
        os.register_at_fork(after_in_child=call)


def usable_cores() -> int:
    """Cores that this process may use: a container or taskset may allow fewer than there are."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_limit() -> int | None:
    """Bytes that a container (cgroup 2) may use; None without a limit, and elsewhere than Linux."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return None
    return int(limit) if limit.isdigit() else None
