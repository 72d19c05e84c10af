"""The second source of ml-100k: a wheel on the package index that contains a copy of it.

For machines that reach only a package index. The wheel is downloaded with pip, so that the mirrors,
proxies and certificates of the user's pip apply; it is checked and unpacked, never installed.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ratecast.data.download import ChecksumError, UnreachableError
from ratecast.disk_files import digest_of

PACKAGE = "recbole==1.2.1"
WHEEL = "recbole-1.2.1-py3-none-any.whl"
SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
_CONNECT_SECONDS, _MOST_SECONDS = 10, 180


def download_wheel(folder: Path) -> Path:
    """The wheel in `folder`, checked. Raises `UnreachableError` or `ChecksumError`."""
    words = ["download", PACKAGE, "--no-deps", "--quiet", "--only-binary", ":all:", "--dest", "."]
    # In the empty target folder, so that Python imports no pip.py of the working directory.
    _pip([*words, "--timeout", str(_CONNECT_SECONDS)], _MOST_SECONDS, folder)
    wheel = folder / WHEEL
    if not wheel.is_file():
        raise UnreachableError("pip: downloaded no wheel")
    verify_wheel(wheel)
    return wheel


def probe(seconds: float) -> None:
    """Look up the package on the index, without a download. Raises `UnreachableError`."""
    with TemporaryDirectory() as empty:
        words = ["index", "versions", PACKAGE.partition("==")[0], "--timeout", f"{seconds:g}"]
        _pip(words, 2 * seconds, Path(empty))


def _pip(words: list[str], seconds: float, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", *words, "--disable-pip-version-check"]
    command += ["--no-input", "--retries", "0"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"pip took longer than {seconds:g} seconds") from None
    except OSError as error:
        raise UnreachableError(f"pip cannot be run ({error})") from None
    if done.returncode:
        lines = [
            line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line
        ]
        raise UnreachableError(f"pip: {(lines or ['no wheel downloaded'])[-1][:200]}")


def verify_wheel(wheel: Path) -> None:
    """Raise `ChecksumError` if this is not the published wheel."""
    digest = digest_of(wheel)
    if digest != SHA256:
        raise ChecksumError(
            f"{wheel}: SHA-256 {digest} differs from that of the published {WHEEL}; "
            "download it again"
        )
