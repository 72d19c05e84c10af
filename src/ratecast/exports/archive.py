"""ZIP files: the one export in them, found by content and unpacked within limits."""

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from ratecast.data import site_exports
from ratecast.data.column_roles import listed
from ratecast.errors import InputError
from ratecast.exports import letterboxd, trakt
from ratecast.exports.encoding import start_in_utf8
from ratecast.exports.export import Export, with_notes
from ratecast.exports.layouts import KNOWN, layout_of, without_ratings
from ratecast.exports.sheet import Sheet

# The second is the start of an empty one.
ZIP, GZIP = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b"
# Many times the largest that a person could write: of a file, and of all files of a ZIP.
MOST_BYTES, MOST_UNPACKED = 64 << 20, 128 << 20
MOST_FILES, _HEAD = 10_000, 16 << 10
# What zipfile raises for a torn archive: a wrong offset is a ValueError, wrong data a zlib.error.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
)
Read = Callable[[bytes, str], Export]
# Of Excel and of LibreOffice.
_WORKBOOKS = {"xl/workbook.xml", "content.xml"}
LETTERBOXD, TRAKT, OTHER = "Letterboxd", "Trakt", "other"


@dataclass
class Archive:
    """An open ZIP. where: the file, for messages. left: bytes that may still be unpacked."""

    file: zipfile.ZipFile
    where: str
    left: int = MOST_UNPACKED

    def names(self) -> list[str]:
        """The files that are not hidden, nor added by a system."""
        entries = self.file.infolist()
        if len(entries) > MOST_FILES:
            raise InputError(
                f"{self.where}: has over {MOST_FILES:,} files; give the file of ratings out of it"
            )
        names = [each.filename for each in entries if not each.is_dir()]
        return [name for name in names if not any(map(_is_hidden, _path(name).parts))]

    def location(self, name: str) -> str:
        """A file of the archive, for messages."""
        return f"{self.where}, {name}"

    def head(self, name: str) -> bytes:
        """The first bytes of a file, unpacked where it is packed once more."""
        head = self._bytes(name, _HEAD)
        if head.startswith(GZIP):
            head = zlib.decompressobj(wbits=31).decompress(head, _HEAD)
        return start_in_utf8(head)

    def read(self, name: str) -> bytes:
        """A file. Raises `InputError` for one over the limits."""
        most = min(MOST_BYTES, self.left)
        data = self._bytes(name, most + 1)
        if len(data) > most:
            raise InputError(
                f"{self.location(name)}: over {most >> 20} MiB; give the file of one person"
            )
        self.left -= len(data)
        return data

    def _bytes(self, name: str, size: int) -> bytes:
        with self.file.open(name) as member:
            return member.read(size)


def read_zip(data: bytes, where: str, read: Read) -> Export:
    """The one export in a ZIP, at its top or in folders. read: of the bytes of a file in it.

    Raises `InputError` for a ZIP with none, with several, or over the limits.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return _read(Archive(file, where), read)
    except BROKEN as error:
        locked = "encrypted" in str(error)
        advice = "unpack it, and give the file of ratings" if locked else "download it again"
        raise InputError(f"{where}: broken ZIP ({error}); {advice}") from None


def _read(archive: Archive, read: Read) -> Export:
    kinds = {name: _kind(archive.head(name)) for name in archive.names()}
    sources = list(_sources(kinds))
    if not sources:
        raise InputError(f"{archive.where}: {_without_export(archive, kinds)}")
    if len(sources) > 1:
        shown = ", ".join(names[0] for names in sources[:4])
        raise InputError(
            f"{archive.where}: {len(sources)} exports in this ZIP ({shown}); unpack it, and give "
            "one, or several files of one site"
        )
    (names,) = sources
    export: Export | None
    if kinds[names[0]] == LETTERBOXD:
        export, names = _read_letterboxd(archive, names)
    elif kinds[names[0]] == TRAKT:
        export = trakt.read_json({archive.location(name): archive.read(name) for name in names})
    else:
        export = read(archive.read(names[0]), archive.location(names[0]))
    if export is None:
        raise InputError(f"{archive.location(names[0])}: no ratings; get it from the site again")
    read_ = f"read from the ZIP: {', '.join(names)}"
    return with_notes(export, read_, *_left_out(kinds, names))


def _without_export(archive: Archive, kinds: Mapping[str, str | None]) -> str:
    """What a ZIP is that has no ratings, and what to do."""
    if not kinds:
        return "an empty ZIP; get it from the site again"
    if _WORKBOOKS.intersection(kinds):
        return "a workbook; save its sheet as CSV, and give that"
    for name in kinds:
        if found := without_ratings(Sheet.of(archive.head(name), "").columns):
            return f"a ZIP of {found[0]} with {name}, but without ratings; rate titles there first"
    return f"no export of a rating site in this ZIP; looked for {KNOWN}"


def _left_out(kinds: Mapping[str, str | None], names: list[str]) -> Iterator[str]:
    """A note for each reason for which files are not read, with the files."""
    rest = [name for name in kinds if name not in names]
    of_letterboxd = kinds[names[0]] == LETTERBOXD
    aside = [name for name in rest if of_letterboxd and _is_aside(name)]
    bare = [name for name in rest if kinds[name] is None and name not in aside]
    others = [name for name in rest if name not in (*aside, *bare)]
    known = ", ".join((letterboxd.RATINGS, letterboxd.DIARY, letterboxd.REVIEWS))
    for left, reason in (
        (aside, "in folders of what does not count"),
        (bare, "without ratings"),
        (others, f"not one of {known}"),
    ):
        if left:
            yield f"not read, because {reason}: {listed(left)}"


def _kind(head: bytes) -> str | None:
    """What a file is, by its first bytes: of Letterboxd or Trakt, another that may be one, none."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(ZIP) or (start.startswith(b"<") and b"<myanimelist" in start):
        return OTHER
    if start.startswith((b"[", b"{")):
        return TRAKT if b'"rated_at"' in start and b'"movie"' in start else None
    layout = layout_of(Sheet.of(head, "").columns)
    if layout is None:
        return None
    return LETTERBOXD if layout.columns[:2] == site_exports.LETTERBOXD[:2] else OTHER


def _sources(kinds: dict[str, str | None]) -> Iterator[list[str]]:
    """The files of each export: those of Letterboxd and Trakt in one folder are together."""
    together: dict[tuple[str, str], list[str]] = {}
    for name, kind in kinds.items():
        folder = _path(name).parent
        if kind is None or (kind == LETTERBOXD and _is_aside(name)):
            continue
        if kind == OTHER:
            yield [name]
        else:
            together.setdefault((kind, str(folder)), []).append(name)
    yield from together.values()


def _read_letterboxd(archive: Archive, names: list[str]) -> tuple[Export, list[str]]:
    """The export, and the files that it was read from."""
    by_name = {_path(name).name.lower(): name for name in names}
    wanted = (letterboxd.RATINGS, letterboxd.DIARY, letterboxd.REVIEWS)
    read = [by_name[name] for name in wanted if name in by_name] or names[:1]
    sheets = [Sheet.of(archive.read(name), archive.location(name)) for name in read]
    if letterboxd.RATINGS in by_name:
        return letterboxd.read_folder(sheets, archive.where), read
    return letterboxd.read_entries(*sheets), read


def _is_aside(name: str) -> bool:
    return _path(name).parent.name in letterboxd.ASIDE


def _is_hidden(part: str) -> bool:
    return part == "__MACOSX" or (part.startswith(".") and part != "..")


def _path(name: str) -> PurePosixPath:
    """A file of the archive; some programs write backslashes."""
    return PurePosixPath(name.replace("\\", "/"))
