"""Reads XML changelogs. Document types, and with them entities, are refused: nothing expands, nothing is fetched."""

from bisect import bisect_right
from typing import Final
from xml.parsers import expat

from belay.errors import UnreadableChanges
from belay.sql.changes import SourcePlace
from belay.sql.limits import MAX_ELEMENTS
from belay.sql.liquibase.elements import Element
from belay.sql.located import LocatedText
from belay.sql.problems import problem_at, shown

_MOST_DEPTH: Final = 64


def read_xml(path: str, text: str) -> Element:
    """Return the root element. Raises :class:`UnreadableChanges`."""
    return _XmlReader(path).read(text)


class _OpenElement:
    """An element that is still being read."""

    def __init__(self, name: str, place: SourcePlace, attributes: dict[str, str]) -> None:
        self.name = name
        self.place = place
        self.attributes = attributes
        self.children: list[Element] = []
        self.chunks: list[str] = []
        self.begins: list[int] = []
        self.places: list[tuple[int, int]] = []
        self.length = 0

    def closed(self) -> Element:
        begins, places, path = self.begins, self.places, self.place.path
        text = "".join(self.chunks)

        def place(offset: int) -> SourcePlace:
            if not begins:
                return self.place
            index = bisect_right(begins, offset) - 1
            line, column = places[index]
            return SourcePlace(path, line, column + offset - begins[index])

        return Element(self.name, self.place, self.attributes, tuple(self.children), LocatedText(text, place))


class _XmlReader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._open: list[_OpenElement] = []
        self._root: Element | None = None
        self._count = 0
        # A namespace's name comes before an element's own, with a blank between.
        self._parser = expat.ParserCreate("UTF-8", " ")
        self._parser.buffer_text = False
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self, text: str) -> Element:
        try:
            self._parser.Parse(text.encode(), True)
        except expat.ExpatError as error:
            place = SourcePlace(self._path, error.lineno, error.offset + 1)
            raise UnreadableChanges(
                [problem_at(place, f"expected XML: {expat.errors.messages.get(error.code, str(error))}")]
            ) from error
        if self._root is None:
            raise UnreadableChanges([f"{self._path}:1:1: expected an element, found none"])
        return self._root

    def _place(self) -> SourcePlace:
        return SourcePlace(self._path, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)

    def _doctype(self, *declaration: object) -> None:
        problem = "expected no document type, found one: entities are not expanded; remove it"
        raise UnreadableChanges([problem_at(self._place(), problem)])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= _MOST_DEPTH or self._count > MAX_ELEMENTS:
            problem = (
                f"expected at most {_MOST_DEPTH} levels and {MAX_ELEMENTS:,} elements, found more at {shown(name)}"
            )
            raise UnreadableChanges([problem_at(self._place(), problem)])
        plain = {key.rpartition(" ")[2]: value for key, value in attributes.items() if " " not in key}
        self._open.append(_OpenElement(name.rpartition(" ")[2], self._place(), plain))

    def _end(self, name: str) -> None:
        element = self._open.pop().closed()
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element

    def _text(self, data: str) -> None:
        if self._open:
            top = self._open[-1]
            top.begins.append(top.length)
            top.chunks.append(data)
            top.places.append((self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1))
            top.length += len(data)
