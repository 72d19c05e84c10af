"""Downloads with a checksum, a progress bar, and a file that appears complete or not at all."""

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
    """The address does not respond, or not with the file."""


class ChecksumError(InputError):
    """A download differs from the published file."""


def download(edition: Edition, folder: Path, work: Path) -> Path:
    """The archive of `edition` in `folder`, checked; not downloaded again if it is there.

    Raises `UnreachableError`, or `ChecksumError` if the download differs from the published file.
    """
    md5 = edition.md5 or _published_md5(edition, work)
    return _retrieve(edition.url, f"md5:{md5}", folder, f"{edition.name}.zip")


def probe(url: str, seconds: float) -> None:
    """Request only the header of `url`. Raises `UnreachableError`."""
    import requests

    try:
        requests.head(url, timeout=seconds, allow_redirects=True).raise_for_status()
    except requests.exceptions.RequestException as error:
        raise UnreachableError(_reason(error)) from None


def _published_md5(edition: Edition, work: Path) -> str:
    path = _retrieve(edition.md5_url, None, work, f"{edition.name}.zip.md5")
    digest = re.search(r"\b[0-9a-f]{32}\b", path.read_text("utf-8", "replace").lower())
    if digest is None:
        raise UnreachableError(f"{edition.md5_url} holds no MD5")
    return digest.group()


def _retrieve(url: str, known_hash: str | None, folder: Path, name: str) -> Path:
    from requests.exceptions import RequestException

    with warnings.catch_warnings():
        # In a notebook without ipywidgets, pooch warns about a progress bar that is not used.
        warnings.filterwarnings("ignore", message="IProgress not found")
        import pooch
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        with bar(name, unit="bytes") as progress:
            fetcher = pooch.HTTPDownloader(
                progressbar=_PoochBar(progress),
                chunk_size=_CHUNK,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
            return Path(pooch.retrieve(url, known_hash, name, folder, downloader=fetcher))
    except RequestException as error:
        raise UnreachableError(_reason(error)) from None
    except ValueError:
        raise ChecksumError(
            f"{url}: the download's checksum differs from the published {known_hash}; "
            "try again, and check for a proxy that replaces the response"
        ) from None


def _reason(error: Exception) -> str:
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError):
        return str(error)
    if isinstance(error, exceptions.Timeout):
        return "no response in time"
    if "resolve" in str(error):
        return "host not found: no network, or no name service"
    if isinstance(error, exceptions.ChunkedEncodingError):
        return "the download was interrupted"
    return f"no connection ({type(error).__name__})"


class _PoochBar:
    """A progress bar with the interface that pooch expects."""

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
        """Nothing to do: the bar closes with its block."""
