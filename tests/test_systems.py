"""One module knows what operating systems do differently; everything else runs on each of them."""

import ast
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratecast import systems
from ratecast.disk_files import locked
from ratecast.errors import InputError

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "ratecast"
ONLY = SOURCE / "systems.py"
# Modules, and members of modules, that are not on all of Linux, macOS and Windows, or differ there.
ALONE = {
    "": "fcntl grp msvcrt posix pty pwd resource syslog termios tty winreg winsound",
    "os": "O_DIRECT O_DIRECTORY O_NOFOLLOW O_TMPFILE chown chroot copy_file_range eventfd fchmod "
    "fchown fork forkpty fsync fdatasync getegid geteuid getgid getgrouplist getloadavg getpgid "
    "getuid killpg lchown link memfd_create mkfifo mknod nice posix_fadvise posix_fallocate "
    "posix_spawn pread pwrite register_at_fork rename replace sched_getaffinity "
    "sched_setaffinity sendfile setpriority setsid setuid statvfs symlink sync sysconf uname "
    "wait wait4 waitpid",
    "signal": "SIGKILL SIGHUP SIGUSR1 SIGUSR2 SIGCHLD SIGALRM alarm pause",
    "socket": "AF_UNIX SO_REUSEADDR SO_REUSEPORT",
    "time": "tzset clock_gettime",
}
MEMBERS = {of: set(words.split()) for of, words in ALONE.items()}
MODULES = MEMBERS.pop("")
ANYWHERE = {"add_signal_handler"}
FOLDERS = ("/proc/", "/sys/", "/dev/", "/etc/", "/tmp/", "/var/", "/run/")
STARTS = {"Process", "Pool", "set_start_method", "Manager"}


def of_one_system(tree: ast.AST) -> Iterator[str]:
    """What a module uses that not every system has, with its line."""
    for node in ast.walk(tree):
        names: set[str] = set()
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            own = {node.module} if node.module in MODULES else set()
            names = own | {a.name for a in node.names} & MEMBERS.get(node.module or "", set())
        elif isinstance(node, ast.Attribute):
            of = node.value.id if isinstance(node.value, ast.Name) else ""
            names = {node.attr} & (ANYWHERE | MEMBERS.get(of, set()))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = {node.value} if node.value.startswith(FOLDERS) else set()
        yield from (f"line {getattr(node, 'lineno', 0)}: {name}" for name in sorted(names))


def not_spawned(tree: ast.AST) -> Iterator[str]:
    """Calls that start a process otherwise than by `spawn`, which all systems have."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        of = node.func.value if isinstance(node.func, ast.Attribute) else None
        name = node.func.id if isinstance(node.func, ast.Name) else name
        first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        ways = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "mp_context")]
        of_library = isinstance(of, ast.Name) and of.id == "multiprocessing"
        if (
            (name == "get_context" and first != "spawn")
            or (name == "ProcessPoolExecutor" and not ways)
            or (name in STARTS and of_library)
        ):
            yield f"line {node.lineno}: {name}"


def trees(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def test_only_one_module_uses_what_one_system_has() -> None:
    found = {name: list(of_one_system(tree)) for name, tree in trees("src")}
    assert found.pop(ONLY.relative_to(ROOT).as_posix())
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_processes_are_spawned_everywhere() -> None:
    folders = ("src", "tests", "benchmarks", "launchers", "docs")
    found = {name: list(not_spawned(tree)) for name, tree in trees(*folders)}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import fcntl",
        "from os import fork",
        "os.sched_getaffinity(0)",
        "signal.SIGKILL",
        "loop.add_signal_handler(2, stop)",
        "Path('/proc/meminfo')",
    ],
)
def test_the_rule_finds(line: str) -> None:
    assert list(of_one_system(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    ["get_context('fork')", "get_context()", "ProcessPoolExecutor(2)", "multiprocessing.Pool(2)"],
)
def test_the_rule_of_processes_finds(line: str) -> None:
    assert list(not_spawned(ast.parse(line)))
    assert not list(not_spawned(ast.parse("ProcessPoolExecutor(2, get_context('spawn'))")))


def test_a_lock_bars_another_process_until_the_file_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with locked(file, "in use"):
            assert not pool.apply(_free, [file])
        assert pool.apply(_free, [file])


def _free(file: Path) -> bool:
    with file.open("ab") as opened:
        return systems.lock(opened)


def test_a_disk_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: object) -> bool:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("ratecast.disk_files.lock", none)
    with (
        pytest.raises(
            InputError, match=r"cannot be locked \(No locks available\); choose a folder"
        ),
        locked(tmp_path / "lock", "in use"),
    ):
        pass


def test_a_file_that_is_open_elsewhere_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, path, tries = tmp_path / "new", tmp_path / "old", []
    new.write_text("new", "utf-8")
    replace = Path.replace

    def busy(self: Path, target: Path) -> Path:
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(13, "in use")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", busy)
    with pytest.raises(PermissionError):
        systems.rename(new, path)
    monkeypatch.setattr(systems, "WINDOWS", True)
    systems.rename(new, path)
    assert path.read_text("utf-8") == "new"
    assert len(tries) == 3


def test_a_file_that_stays_open_elsewhere_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(systems, "WINDOWS", True)
    monkeypatch.setattr(systems, "_OPEN_ELSEWHERE_SECONDS", 0.1)
    start = time.monotonic()
    with pytest.raises(InputError, match="another program has it open"):
        systems.rename(tmp_path / "new", tmp_path / "old")
    assert time.monotonic() - start >= 0.1


def test_windows_syncs_files_alone_and_reads_no_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert systems.others_may_read(0o644)
    assert not systems.others_may_read(0o600)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    systems.sync(tmp_path)
    monkeypatch.setattr(systems, "WINDOWS", True)
    systems.sync(tmp_path)
    assert len(synced) == 1
    (tmp_path / "file").touch()
    systems.sync(tmp_path / "file")
    assert len(synced) == 2
    assert not systems.others_may_read(0o666)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_output_in_another_encoding_is_written_whole(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    words = [sys.executable, "-m", "ratecast.cli", "doctor", "--offline"]
    done = subprocess.run(words, capture_output=True, check=False, env=environment)
    assert b"\\u2713" in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_port_that_another_server_has_is_said() -> None:
    with systems.bound_socket("127.0.0.1", 0, "serve") as bound:
        bound.listen()
        port = bound.getsockname()[1]
        with pytest.raises(InputError, match=rf"^mcp: 127.0.0.1:{port} is not available \(.+\)"):
            systems.bound_socket("127.0.0.1", port, "mcp")
    systems.bound_socket("127.0.0.1", port, "mcp").close()


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_number_that_is_no_port_is_said(port: int) -> None:
    with pytest.raises(InputError, match=f"serve: --port is {port}; give a number up to"):
        systems.bound_socket("127.0.0.1", port, "serve")
