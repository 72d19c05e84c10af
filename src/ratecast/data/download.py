"""Downloads over the web: checksum, progress bar, and a file that appears whole or not at all."""

import logging
import re
import warnings
from pathlib import Path

from ratecast.data.editions import Edition
from ratecast.errors import InputError
from ratecast.progress import Bar, bar

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
_CHUNK = 1 << 16


class UnreachableError(Exception):
    """The address did not answer, or not with the file."""


class ChecksumError(InputError):
    """What came is not what was published."""


def download(edition: Edition, folder: Path, work: Path) -> Path:
    """The archive of `edition` in `folder`, checked; there at once if it was fetched before.

    Raises `UnreachableError`, or `ChecksumError` when something else came than what was published.
    """
    md5 = edition.md5 or _published_md5(edition, work)
    return _retrieve(edition.url, f"md5:{md5}", folder, f"{edition.name}.zip")


def probe(url: str, seconds: float) -> None:
    """Ask for the head of `url` alone. Raises `UnreachableError`."""
    import requests

    try:
        requests.head(url, timeout=seconds, allow_redirects=True).raise_for_status()
    except requests.exceptions.RequestException as error:
        raise UnreachableError(_reason(error)) from None


def _published_md5(edition: Edition, work: Path) -> str:
    path = _retrieve(edition.md5_url, None, work, f"{edition.name}.zip.md5")
    found = re.search(r"\b[0-9a-f]{32}\b", path.read_text("utf-8", "replace").lower())
    if found is None:
        raise UnreachableError(f"{edition.md5_url} holds no MD5")
    return found.group()


def _retrieve(url: str, known_hash: str | None, folder: Path, name: str) -> Path:
    from requests.exceptions import RequestException

    with warnings.catch_warnings():
        # In a notebook without ipywidgets it misses a bar that is not its own here.
        warnings.filterwarnings("ignore", message="IProgress not found")
        import pooch
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        with bar(name, unit="bytes") as shown:
            fetcher = pooch.HTTPDownloader(
                progressbar=_Bar(shown), chunk_size=_CHUNK, timeout=(CONNECT_SECONDS, READ_SECONDS)
            )
            return Path(pooch.retrieve(url, known_hash, name, folder, downloader=fetcher))
    except RequestException as error:
        raise UnreachableError(_reason(error)) from None
    except ValueError:
        raise ChecksumError(
            f"{url}: what came has another checksum than the published {known_hash}; "
            "try again, and look for a proxy that answers in its place"
        ) from None


def _reason(error: Exception) -> str:
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError):
        return str(error)
    if isinstance(error, exceptions.Timeout):
        return "no answer in time"
    if "resolve" in str(error):
        return "no such host: no network, or no name service"
    if isinstance(error, exceptions.ChunkedEncodingError):
        return "the download broke off"
    return f"no connection ({type(error).__name__})"


class _Bar:
    """A bar behind the four names that pooch uses."""

    def __init__(self, bar: Bar) -> None:
        self._bar, self._total = bar, 0

    @property
    def total(self) -> int:
        return self._total

    @total.setter
    def total(self, size: int) -> None:
        self._total = size
        self._bar.change(total=size or None)

    def update(self, size: int) -> None:
        self._bar.advance(size)

    def reset(self) -> None:
        self._bar.change(done=0)

    def close(self) -> None:
        """Nothing is left to do: the bar goes with its block."""
