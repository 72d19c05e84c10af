"""Reads the export of a rating site, which is recognised by content and not by name."""

import gzip
import io
import zlib
from pathlib import Path

from ratecast.errors import InputError
from ratecast.exports import myanimelist, trakt
from ratecast.exports.archive import GZIP, MOST_BYTES, ZIP, read_zip
from ratecast.exports.encoding import to_utf8
from ratecast.exports.export import Export, with_notes
from ratecast.exports.layouts import read_sheet, unknown
from ratecast.exports.netflix import SOURCE
from ratecast.exports.sheet import Sheet


def read_export(path: Path | str, profile: str | None = None) -> Export:
    """The ratings in a file that a rating site made for a person.

    profile: of a Netflix export with several. Raises `InputError` for a file of another layout, a
    rating off the scale of the site, or a file without ratings.
    """
    path = Path(path)
    if path == Path("-"):
        raise InputError("-: stdin is not read; save the export as a file, and give that")
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InputError(f"{path}: {reason}; give the file that the site made") from None
    return read_bytes(_limited(data, str(path)), str(path), profile)


def read_bytes(data: bytes, where: str, profile: str | None = None) -> Export:
    """The ratings in the bytes of a file, as `read_export`. where: the file, for messages."""

    def inner(member: bytes, location: str) -> Export:
        return (
            read_zip(member, location, file) if member.startswith(ZIP) else file(member, location)
        )

    def file(member: bytes, location: str) -> Export:
        return _read_file(member, location, profile)

    export = read_zip(data, where, inner) if data.startswith(ZIP) else file(data, where)
    if profile is None or export.source == SOURCE:
        return export
    return with_notes(export, f"the profile {profile!r} is not used: only Netflix has profiles")


def _read_file(data: bytes, where: str, profile: str | None) -> Export:
    if data.startswith(ZIP):
        raise InputError(f"{where}: a ZIP in a ZIP in a ZIP; unpack it, and give the inner one")
    if data.startswith(GZIP):
        data = _gunzipped(data, where)
    data = to_utf8(data, where)
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        export = myanimelist.read(data, where)
    elif start in (b"[", b"{"):
        export = trakt.read_json({where: data})
    else:
        return read_sheet(Sheet.of(data, where), profile)
    if export is None:
        raise InputError(unknown(where, "its content"))
    return export


def _gunzipped(data: bytes, where: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return _limited(file.read(MOST_BYTES + 1), where)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{where}: broken gzip ({error}); download it again") from None


def _limited(data: bytes, where: str) -> bytes:
    if len(data) > MOST_BYTES:
        raise InputError(f"{where}: over {MOST_BYTES >> 20} MiB; give the file of one person")
    return data
