"""The bytes of a table: of a file as it is, or unpacked from gzip, bzip2, xz, Zstandard or ZIP."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO

import polars as pl

from ratecast.data.site_exports import refusal, site_of_text
from ratecast.errors import InputError
from ratecast.resources import require_memory

_CHUNK = 1 << 24
# Bytes that say what a text is: its first thousand rows are within.
_HEAD = 1 << 18
_MAX_LAYERS = 3
_ZIP, _ZSTANDARD = b"PK\x03\x04", b"\x28\xb5\x2f\xfd"
_OPEN: dict[bytes, Callable[[IO[bytes]], io.BufferedIOBase]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    **dict.fromkeys((b"BZh%d1AY" % level for level in range(1, 10)), bz2.BZ2File),
}
_BROKEN = (
    OSError,
    EOFError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    pl.exceptions.PolarsError,
)
# Files of an archive that are not its table.
_BESIDE = ("readme", "license", "licence")


@dataclass(frozen=True)
class TableSource:
    """A file of a table, or one of its parts.

    path: where it is, for messages too. content: its bytes, if not those at the path. keys: values
    that every row has by the names of its folders, as in `year=2020/part-0.parquet`.
    """

    path: Path
    content: bytes | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    def head(self, size: int = _HEAD) -> bytes:
        """The first bytes."""
        if self.content is not None:
            return self.content[:size]
        with self.path.open("rb") as file:
            return file.read(size)

    def read(self) -> bytes:
        """All bytes."""
        return self.path.read_bytes() if self.content is None else self.content

    def opened(self) -> IO[bytes]:
        """The bytes as a file."""
        return self.path.open("rb") if self.content is None else io.BytesIO(self.content)


def unpacked(source: TableSource, member: str | None = None) -> TableSource:
    """The source without compression. member: of a ZIP archive; the only table in it if None.

    Raises `InputError` if it is damaged, or holds several tables.
    """
    for _ in range(_MAX_LAYERS):
        start = source.head(8)
        try:
            if start.startswith(_ZIP) and not _is_document(source):
                source = _of_zip(source, member)
            elif start.startswith(_ZSTANDARD):
                source = replace(source, content=_of_zstandard(source))
            elif opener := next((o for magic, o in _OPEN.items() if start.startswith(magic)), None):
                with source.opened() as file, opener(file) as unpacking:
                    source = replace(source, content=_read(unpacking, source.path))
            else:
                return source
        except _BROKEN as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise InputError(
                f"{source.path}: truncated or corrupt archive ({reason}); get it again"
            ) from None
    return source


def members(source: TableSource) -> list[str]:
    """Names in a ZIP archive, without folders."""
    with source.opened() as file, zipfile.ZipFile(file) as archive:
        return [info.filename for info in archive.infolist() if not info.is_dir()]


def _is_document(source: TableSource) -> bool:
    """Whether a ZIP archive is a file of one program: of Excel, LibreOffice or numpy."""
    names = members(source)
    return (
        "[Content_Types].xml" in names
        or names[0] == "mimetype"
        or all(name.endswith(".npy") for name in names)
    )


def _of_zip(source: TableSource, member: str | None) -> TableSource:
    with source.opened() as file, zipfile.ZipFile(file) as archive:
        name = _chosen(source, members(source), member)
        info = archive.getinfo(name)
        require_memory(info.file_size, f"{source.path}: unpacking {name}")
        with archive.open(info) as unpacking:
            content = _read(unpacking, source.path)
    return replace(source, path=source.path / name, content=content)


def _chosen(source: TableSource, names: list[str], member: str | None) -> str:
    tables = [name for name in names if _may_be_table(name)]
    known = ", ".join(tables) or "nothing"
    if member is not None:
        if member in names:
            return member
        raise InputError(f"{source.path}: no member {member!r}; it holds {known}")
    if len(tables) == 1:
        return tables[0]
    if not tables:
        raise InputError(f"{source.path}: an archive without a table; give a file of ratings")
    if site := _site_of_members(source, tables):
        raise refusal(source.path, site)
    raise InputError(
        f"{source.path}: an archive of {len(tables)} files, {known}; give that of the ratings, as "
        f"in {source.path / likeliest(tables)}, or unpack it; for an edition: ratecast data fetch "
        "EDITION --from FILE"
    )


def _site_of_members(source: TableSource, names: Sequence[str]) -> str | None:
    """The site that exported the archive, by the first bytes of its files."""
    with source.opened() as file, zipfile.ZipFile(file) as archive:
        for name in names:
            with archive.open(name) as member:
                if site := site_of_text(member.read(_HEAD)):
                    return site
    return None


def likeliest(names: Sequence[str]) -> str:
    """The name that speaks of ratings, else the first."""
    return next((name for name in names if "rating" in name.lower()), names[0])


def _may_be_table(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not hidden and not path.stem.lower().startswith(_BESIDE)


def _read(unpacking: IO[bytes] | io.BufferedIOBase, path: Path) -> bytes:
    content = io.BytesIO()
    while chunk := unpacking.read(_CHUNK):
        require_memory(len(chunk), f"{path}: unpacking")
        content.write(chunk)
    return content.getvalue()


def _of_zstandard(source: TableSource) -> bytes:
    """The lines of a text; polars has the decoder, and the unit separator is in no text."""
    lines = pl.read_csv(
        source.read(),
        has_header=False,
        separator="\x1f",
        quote_char=None,
        schema={"line": pl.String},
    )
    return ("\n".join(lines["line"].fill_null("").to_list()) + "\n").encode()
