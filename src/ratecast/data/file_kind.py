"""What a file is, by its first bytes: a table in one of the forms that are read, or something else.

What is no table is refused with its name and what to do, since its reader would only say that
some byte is wrong.
"""

import json
import re

from ratecast.data.site_exports import refusal, site_of_text
from ratecast.data.table_source import TableSource, members
from ratecast.errors import InputError

PARQUET, ARROW, ARROW_STREAM, TEXT = "Parquet", "Arrow", "Arrow stream", "text"
JSON_LINES, JSON = "JSON lines", "JSON"

_TABLES = ((b"PAR1", PARQUET), (b"ARROW1", ARROW), (b"\xff\xff\xff\xff", ARROW_STREAM))
_AS_CSV = "save it as CSV, and give that"
_TO_PARQUET = "write it as Parquet, as pandas' to_parquet does"
_UNPACK = "unpack it, and give the table in it"
_OTHERS = (
    (b"SQLite format 3\x00", "a SQLite database", "export the table of ratings as CSV"),
    (b"\xd0\xcf\x11\xe0", "a workbook of Excel", "save the sheet as CSV, and give that"),
    (b"\x89HDF", "an HDF5 file", _TO_PARQUET),
    (b"MATLAB 5.0", "a file of MATLAB", "save the table as CSV, as by writematrix"),
    (b"\x93NUMPY", "an array of numpy", "save it as CSV, as numpy.savetxt does"),
    (b"FEA1", "a Feather file of version 1", "write it again as version 2"),
    (b"ORC", "an ORC file", _TO_PARQUET),
    (b"Obj\x01", "an Avro file", _TO_PARQUET),
    (b"PE1A", "an encrypted Parquet file", "write it without encryption"),
    (b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (b"%PDF-", "a PDF", "get the table itself, as CSV"),
    (b"RDX2\n", "a file of R", "write the table by write.csv"),
    (b"RDX3\n", "a file of R", "write the table by write.csv"),
    (b"PK\x05\x06", "an empty ZIP archive", "give a file of ratings"),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x04\x22\x4d\x18", "packed by LZ4", _UNPACK),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_HTML = re.compile(rb"\s*<(!doctype html|html|head|body|table)\b", re.IGNORECASE)
_XML = re.compile(rb"\s*<[a-zA-Z?!]")
_JSON = re.compile(rb'\s*(\{\s*["}]|\[\s*[\[{\]"0-9-])')
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_RECORDS = "write one record a line, as pandas' to_json(FILE, orient='records', lines=True) does"


def kind_of(source: TableSource, encoding: str | None = None) -> str:
    """The form of the table; encoding: of a text, if given. Raises `InputError` for no table."""
    head = source.head()
    for magic, kind in _TABLES:
        if _starts(head, magic):
            return kind
    for magic, name, instead in _OTHERS:
        if _starts(head, magic):
            raise _no_table(source, name, instead)
    if head.startswith(b"PK\x03\x04"):
        raise _document(source)
    if head[257:262] == b"ustar":
        raise _no_table(source, "a tar archive", _UNPACK)
    if head[8:12] == b"DUCK":
        raise _no_table(source, "a DuckDB database", "export the table of ratings as Parquet")
    if _PICKLE.match(head):
        raise _no_table(source, "a pickle", _TO_PARQUET)
    return _kind_of_text(source, head, encoding)


def _starts(head: bytes, magic: bytes) -> bool:
    """Whether a file starts so; a text may start with the same letters, as in PARENT."""
    return head.startswith(magic) and (not magic.isalnum() or b"\0" in head)


def _kind_of_text(source: TableSource, head: bytes, encoding: str | None) -> str:
    if encoding is None and not head.startswith(_BOMS) and b"\0" in head:
        if head[1:2] == b"\0" or head[:1] == b"\0":
            order = "le" if head[1:2] == b"\0" else "be"
            raise InputError(
                f"{source.path}: text in UTF-16 without a mark; give --encoding "
                f"utf-16-{order} (encoding= in Python)"
            )
        raise _no_table(source, "a binary file of unknown form", "write it as CSV or Parquet")
    text = head.removeprefix(_BOMS[0])
    if _HTML.match(text):
        raise _no_table(source, "an HTML page", "download the table itself, as CSV")
    if _XML.match(text):
        if site := site_of_text(text):
            raise refusal(source.path, site)
        raise _no_table(source, "an XML document", "export its rows as CSV")
    found = _JSON.match(text)
    if found is None:
        return TEXT
    return JSON if found[1].startswith(b"[") else _kind_of_json(source, text)


def _kind_of_json(source: TableSource, text: bytes) -> str:
    """JSON lines, if the first line is a record; a single object is no table."""
    line = text.lstrip().partition(b"\n")[0]
    try:
        record = json.loads(line)
    except ValueError:
        # A record that goes over several lines, or a faulty first line of many.
        lines = text.lstrip().splitlines()
        if len(lines) > 1 and lines[1].lstrip().startswith(b"{"):
            return JSON_LINES
        raise _no_table(source, "a JSON object", _RECORDS) from None
    if record and all(isinstance(value, dict | list) for value in record.values()):
        raise _no_table(source, f"a JSON object of {', '.join(list(record)[:5])}", _RECORDS)
    return JSON_LINES


def _document(source: TableSource) -> InputError:
    names = members(source)
    if any(name.startswith("xl/") for name in names):
        return _no_table(source, "a workbook of Excel", "save the sheet as CSV, and give that")
    if names[0] == "mimetype":
        return _no_table(source, "a document of LibreOffice", _AS_CSV)
    if all(name.endswith(".npy") for name in names):
        return _no_table(source, "arrays of numpy", "save the table as CSV, as numpy.savetxt does")
    return _no_table(source, "a document", _AS_CSV)


def _no_table(source: TableSource, name: str, instead: str) -> InputError:
    return InputError(f"{source.path}: {name}, which is not read; {instead}")
