"""Reads the small YAML or JSON documents that people write by hand, and reports all problems at once."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import yaml

_MOST_DEPTH: Final = 32
_MOST_REPORTED: Final = 100
_MOST_QUOTED: Final = 80

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_NUMBER: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER: Final = re.compile(r"-?[0-9]{1,9}")

S = TypeVar("S", bound=str)


class UnreadableDocument(ValueError):  # noqa: N818 - always turned into the caller's own fault
    """The text is not one YAML or JSON document of plain mappings, lists and scalars; the message says where."""


@dataclass(frozen=True)
class Number:
    """A number as it was written: ``012345678901`` stays an account id and ``1.10`` stays a version."""

    text: str


@dataclass
class _Open:
    """A mapping or list that is still being read, and the key its next value belongs to."""

    container: dict[str, object] | list[object]
    key: str | None = None


def load_document(text: str) -> object:
    """Read one YAML document (JSON is YAML) into dicts, lists, ``str``, ``bool``, ``Number`` and ``None``.

    Plain scalars follow YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema): only ``true`` and
    ``false`` are booleans, ``yes`` and ``on`` are text, and a number keeps its text. Aliases, tags, duplicate keys,
    keys that are not text, several documents and more than 32 levels of nesting are refused, so that the result is
    never larger than the text.

    Raises UnreadableDocument.
    """
    try:
        return _build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        raise UnreadableDocument(
            f"{_where(error.problem_mark)}: this is not YAML: {error.problem or error.context}"
        ) from error
    except yaml.YAMLError as error:
        raise UnreadableDocument(f"this is not YAML: {' '.join(str(error).split())}") from error


def _build(events: Iterator[yaml.Event]) -> object:
    result: object = None
    documents = 0
    path: list[_Open] = []
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise UnreadableDocument(f"{_where(event.start_mark)}: expected one document, found another")
        elif isinstance(event, yaml.AliasEvent):
            raise UnreadableDocument(f"{_where(event.start_mark)}: aliases are not allowed: write the value out")
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            _refuse_tag(event)
            if len(path) == _MOST_DEPTH:
                raise UnreadableDocument(f"{_where(event.start_mark)}: nested deeper than {_MOST_DEPTH} levels")
            new: dict[str, object] | list[object] = {} if isinstance(event, yaml.MappingStartEvent) else []
            result = _place(path, new, event) if path else new
            path.append(_Open(new))
        elif isinstance(event, yaml.CollectionEndEvent):
            result = path.pop().container
        elif isinstance(event, yaml.ScalarEvent):
            _refuse_tag(event)
            result = _place(path, _scalar(event), event) if path else _scalar(event)
    return result


def _place(path: list[_Open], value: object, event: yaml.NodeEvent) -> object:
    into = path[-1]
    if isinstance(into.container, list):
        into.container.append(value)
    elif into.key is None:
        into.key = _key(into.container, value, event)
    else:
        into.container[into.key] = value
        into.key = None
    return value


def _key(container: dict[str, object], value: object, event: yaml.NodeEvent) -> str:
    key = value.text if isinstance(value, Number) else value
    if not isinstance(key, str):
        raise UnreadableDocument(f"{_where(event.start_mark)}: expected a key that is text, found {describe(value)}")
    if key in container:
        raise UnreadableDocument(f"{_where(event.start_mark)}: duplicate key {quote(key)}")
    return key


def _scalar(event: yaml.ScalarEvent) -> object:
    text: str = event.value
    plain = event.implicit[0]
    if not plain:
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    return Number(text) if _NUMBER.fullmatch(text) else text


def _refuse_tag(event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
    if event.tag is not None:
        raise UnreadableDocument(f"{_where(event.start_mark)}: the tag {quote(event.tag)} is not allowed here")


def plain(value: object) -> object:
    """Convert a document's value to what JSON would give: numbers as ``int`` and ``float``."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, Number):
        return int(value.text) if _INTEGER.fullmatch(value.text) else float(value.text)
    return value


def _where(mark: Any) -> str:  # libyaml's marks and PyYAML's own are two classes
    return f"line {mark.line + 1}, column {mark.column + 1}"


def quote(text: str) -> str:
    """Quote hostile text safely in a message: control characters escaped, long text shortened."""
    return repr(text if len(text) <= _MOST_QUOTED else text[:_MOST_QUOTED] + "...")


def describe(value: object) -> str:
    """Name what was found, as the writer of a document would."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return f"the number {value.text[:_MOST_QUOTED]}"
    if isinstance(value, str):
        return quote(value)
    return "a mapping" if isinstance(value, dict) else "a list"


class Problems:
    """Collects the problems of one document, each with its path, so that all are reported at once."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, path: str, message: str) -> None:
        """Record a problem at a path such as ``stacks[0].template``; an empty path is the whole document."""
        self._found.append(f"{path}: {message}" if path else message)

    def told(self, document: str = "") -> list[str]:
        """Return every problem, prefixed by the document's name.

        A hostile document can hold thousands of problems: the first hundred are listed, the rest are counted.
        """
        told = [f"{document}: {problem}" if document else problem for problem in self._found[:_MOST_REPORTED]]
        more = len(self._found) - len(told)
        return [*told, f"and {more} more problems"] if more else told

    def raise_as(self, fault: Callable[[list[str]], Exception], document: str = "") -> None:
        """Raise ``fault`` with every problem; do nothing if there is none."""
        if self._found:
            raise fault(self.told(document))


_MISSING: Final = object()


@dataclass(frozen=True)
class Node:
    """A value of a document with its path, or a missing one.

    Each reader records what is wrong and then returns a neutral value, so that reading continues and finds the rest. A
    missing key gives its default silently: if it is required, that was recorded already.
    """

    value: object
    path: str
    problems: Problems

    @property
    def present(self) -> bool:
        """Whether the document has this value at all."""
        return self.value is not _MISSING

    def wrong(self, expected: str) -> None:
        """Record that what was found is not what was expected."""
        if self.present:
            self.note(f"expected {expected}, found {describe(self.value)}")

    def note(self, message: str) -> None:
        """Record a problem with this value."""
        self.problems.add(self.path, message)

    def entries(self, expected: str = "a mapping") -> dict[str, "Node"]:
        """Read a mapping whose keys are free."""
        if not isinstance(self.value, dict):
            self.wrong(expected)
            return {}
        return {key: Node(value, join(self.path, key), self.problems) for key, value in self.value.items()}

    def fields(self, required: Sequence[str] = (), optional: Sequence[str] = ()) -> "Fields":
        """Read a mapping whose keys are known; unknown and missing ones are recorded."""
        known = ", ".join([*required, *optional])
        entries = self.entries(f"a mapping with {known}")
        for key, node in entries.items():
            if key not in required and key not in optional:
                node.note(f"unknown key; known are {known}")
        for key in required if isinstance(self.value, dict) else ():
            if key not in entries:
                self.problems.add(join(self.path, key), "missing")
        return Fields(entries, self)

    def items(self, expected: str = "a list") -> list["Node"]:
        """Read a list."""
        if not isinstance(self.value, list):
            self.wrong(expected)
            return []
        return [Node(value, f"{self.path}[{index}]", self.problems) for index, value in enumerate(self.value)]

    def text(self, pattern: re.Pattern[str] | None = None, expected: str = "text") -> str:
        """Read text that fully matches the pattern; without a pattern, any non-empty text.

        With a pattern a number is read as text: a digest may happen to have no letters, a cluster may be named ``7``.
        """
        text = self.value.text if pattern and isinstance(self.value, Number) else self.value
        if isinstance(text, str) and (pattern.fullmatch(text) if pattern else text):
            return text
        self.wrong(expected)
        return ""

    def texts(self, pattern: re.Pattern[str] | None = None, expected: str = "text") -> tuple[str, ...]:
        """Read a list of different texts."""
        read: list[str] = []
        for item in self.items(f"a list, each {expected}"):
            text = item.text(pattern, expected)
            if text and text in read:
                item.note(f"duplicate {quote(text)}")
            read.append(text)
        return tuple(read)

    def boolean(self) -> bool:
        """Read ``true`` or ``false``, which is the default."""
        if isinstance(self.value, bool):
            return self.value
        self.wrong("true or false")
        return False

    def integer(self, least: int, most: int, default: int) -> int:
        """Read a whole number within bounds, both included."""
        if isinstance(self.value, Number) and _INTEGER.fullmatch(self.value.text):
            number = int(self.value.text)
            if least <= number <= most:
                return number
        self.wrong(f"a whole number from {least} to {most}")
        return default

    def decimal(self, least: int, most: int, default: float) -> float:
        """Read a number within bounds, both included; it may have decimal places."""
        if isinstance(self.value, Number):
            number = float(self.value.text)
            if least <= number <= most:
                return number
        self.wrong(f"a number from {least} to {most}")
        return default

    def one_of(self, choices: Sequence[S], default: S) -> S:
        """Read one of several words."""
        for choice in choices:
            if choice == self.value:
                return choice
        self.wrong(f"one of {', '.join(choices)}")
        return default


@dataclass(frozen=True)
class Fields:
    """The known keys of one mapping, those it has and those it lacks."""

    entries: dict[str, Node]
    owner: Node

    def __getitem__(self, key: str) -> Node:
        return self.entries.get(key) or Node(_MISSING, join(self.owner.path, key), self.owner.problems)


_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


def join(path: str, key: str) -> str:
    """Extend a path by a key, quoted where it could be misread."""
    shown = key if _PLAIN_KEY.fullmatch(key) and len(key) <= _MOST_QUOTED else quote(key)
    return f"{path}.{shown}" if path else shown
