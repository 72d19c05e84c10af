"""MyAnimeList: XML of anime or manga, read without declarations that could make it grow."""

from xml.parsers import expat

from ratecast.errors import InputError
from ratecast.exports.export import Collector, Entry, Export
from ratecast.ratings import Scale

_ROOT = "myanimelist"
_KINDS = ("anime", "manga")
_TITLES = ("series_title", "manga_title")
_IDS = ("series_animedb_id", "series_mangadb_id", "manga_mangadb_id")


class _DeclarationError(Exception):
    """The document declares a document type or an entity."""


class _Reader:
    """Collects the texts inside each anime or manga of the document."""

    def __init__(self) -> None:
        self.root = ""
        self.items: list[tuple[int, str, dict[str, str]]] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.EntityDeclHandler = self._refuse

    def read(self, data: bytes) -> None:
        self._parser.Parse(data, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        self._path.append(name)
        self._text.clear()
        if len(self._path) == 2 and name in _KINDS:
            self.items.append((self._parser.CurrentLineNumber, name, {}))

    def _end(self, name: str) -> None:
        if len(self._path) == 3 and self._path[1] in _KINDS:
            self.items[-1][2][name] = "".join(self._text).strip()
        self._path.pop()
        self._text.clear()

    def _refuse(self, *_: object) -> None:
        raise _DeclarationError


def read(data: bytes, where: str) -> Export | None:
    """The scores, or None if the document is not of MyAnimeList. Raises `InputError`.

    The score 0 means that the title is not rated. The dates are those of watching, not of rating,
    and are not read. A document type or an entity is refused, because entities can make a small
    file take all memory, or read other files.
    """
    reader = _Reader()
    try:
        reader.read(data)
    except _DeclarationError:
        raise InputError(
            f"{where}: XML or a web page that declares a document type or entities, which is "
            "refused; give the export file as MyAnimeList makes it"
        ) from None
    except expat.ExpatError as error:
        raise InputError(f"{where}: not XML ({error}); get the file from the site again") from None
    if reader.root != _ROOT:
        return None
    return _export(reader, where)


def _export(reader: _Reader, where: str) -> Export:
    collector = Collector("MyAnimeList", Scale(1, 10), where)
    for line, kind, texts in reader.items:
        score = collector.stars(f"{where}, line {line}", texts.get("my_score", ""))
        if score is None:
            continue
        title = next((texts[name] for name in _TITLES if texts.get(name)), "")
        number = next((texts[name] for name in _IDS if texts.get(name)), title)
        collector.add(Entry((kind, number), title, score))
    return collector.result()
