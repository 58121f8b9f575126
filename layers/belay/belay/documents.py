"""The JSON form of what Belay stores: dataclasses written and read by their fields, each document with its ``schema``.

A document without a schema has the first one, as Belay 0.1 wrote it. An older one is migrated on reading, a newer one
is refused. A new field with a default needs no new schema, unless an older version must not ignore it. A field's type
is one listed here, an enumeration, a dataclass, or an ``AsText``. The dataclasses of a union are distinguished by a
constant ``kind``.
"""

import json
import types
from collections.abc import Callable, Hashable, Mapping, Set
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from ipaddress import IPv4Network, IPv6Network
from textwrap import shorten
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from belay.errors import UnknownSchema, UnreadableRecord

SCHEMA = 2
"""What this version of Belay writes."""

Document = Mapping[str, Any]
"""A JSON object as it is read or written."""

Migration = Callable[[Document], Document]
"""Turns a document of the first schema into one of the second."""


class Dataclass(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


Kept = TypeVar("Kept", bound=Dataclass)


class AsText:
    """A value stored as its text: ``parse`` reads what ``str`` returns."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Raise ``TypeError`` for a class without either."""
        if not {"parse", "__str__"} <= vars(cls).keys():
            raise TypeError(f"{cls.__name__} cannot parse what it says")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text. Raises ``ValueError``."""
        raise NotImplementedError


def written(kept: Dataclass) -> dict[str, Any]:
    """Return the JSON document of a dataclass, with its schema."""
    return {"schema": SCHEMA, **plain(kept)}


def read(kind: type[Kept], document: Document, name: str, migration: Migration | None = None) -> Kept:
    """Read what ``written`` made; ``name`` is the document's name in errors, such as ``plan.json``.

    Unknown fields are ignored. Raises ``UnknownSchema`` if a newer version of Belay wrote it, and ``UnreadableRecord``
    if no version did.
    """
    schema = schema_of(document, name)
    found = _migrated(migration, document, name) if schema == 1 and migration else document
    return _object(kind, found, name)


def _migrated(migration: Migration, document: Document, name: str) -> Document:
    try:
        return migration(document)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UnreadableRecord(f"{name}: expected what Belay 0.1 wrote, found {error!r}: it is damaged") from error


def parsed(text: str | bytes, name: str) -> Any:
    """Return the value of an untrusted JSON text. Raises ``UnreadableRecord``."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableRecord(f"{name}: expected JSON: {error}") from error


def parsed_object(text: str | bytes, name: str) -> dict[str, Any]:
    """Return the object in a JSON text. Raises ``UnreadableRecord``."""
    value = parsed(text, name)
    if not isinstance(value, dict):
        raise _unexpected("an object", value, name)
    return value


def schema_of(document: Document, name: str) -> int:
    """Return the schema of a document that this version reads. Raises ``UnknownSchema`` and ``UnreadableRecord``."""
    schema: int = _value(int, document.get("schema", 1), f"{name}: schema")
    if schema > SCHEMA:
        raise UnknownSchema(name, schema, SCHEMA)
    return schema


def plain(value: object) -> Any:
    """Return the JSON form of a value: a dataclass's fields by name, or its text if it is an ``AsText``.

    Raises ``TypeError`` if it has none.
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, int, float)):
        return value
    if _text_reader(type(value)):
        return str(value)
    if is_dataclass(value):
        return _kind_in(type(value)) | {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {_key(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, Set)):
        inner = [plain(each) for each in value]
        return sorted(inner) if isinstance(value, Set) else inner
    raise TypeError(f"{type(value).__name__} has no JSON form: {value!r}")


def _kind_in(kind: Any) -> dict[str, str]:
    """Return a dataclass's ``kind`` for its document: empty, unless it has that constant."""
    named = getattr(kind, "kind", None)
    return {"kind": named} if isinstance(named, str) and "kind" not in _fields_of(kind) else {}


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a key of a JSON object is a text, found {name!r}")
    return str(name)


def sparse(kept: Dataclass) -> dict[str, Any]:
    """Return the document of a dataclass without fields that have their default, which ``read`` restores."""
    return {"schema": SCHEMA, **_sparse(kept)}


def _sparse(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type) and not _text_reader(type(value)):
        defaults = _defaults_of(type(value))
        given = {each.name: getattr(value, each.name) for each in fields(value)}
        kept = {name: each for name, each in given.items() if name not in defaults or defaults[name] != each}
        return _kind_in(type(value)) | {name: _sparse(each) for name, each in kept.items()}
    if isinstance(value, Mapping):
        return {_key(name): _sparse(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sparse(each) for each in value]
    return plain(value)


@cache
def _defaults_of(kind: Hashable) -> dict[str, object]:
    found = {}
    for each in fields(cast("type[Dataclass]", kind)):
        if each.default is not MISSING:
            found[each.name] = each.default
        elif each.default_factory is not MISSING:
            found[each.name] = each.default_factory()
    return found


def _object(kind: type[Kept], value: object, where: str) -> Kept:
    """Read a dataclass."""
    if not isinstance(value, Mapping):
        raise _unexpected("an object", value, where)
    given = {}
    for name, (type_, required) in _fields_of(kind).items():
        if name in value:
            given[name] = _value(type_, value[name], f"{where}: {name}")
        elif required:
            raise UnreadableRecord(f"{where}: expected {name}, found none: it is damaged")
    return kind(**given)


@cache
def _fields_of(kind: Hashable) -> dict[str, tuple[Any, bool]]:
    """The type of each field of a dataclass by its name, and whether it is required."""
    hints = get_type_hints(kind)
    return {
        each.name: (hints[each.name], each.default is MISSING and each.default_factory is MISSING)
        for each in fields(cast("type[Dataclass]", kind))
    }


def _value(kind: Any, value: object, where: str) -> Any:
    """Read a value of a field's type."""
    return reader_of(kind)(value, where)


@cache
def reader_of(kind: Any) -> Callable[[object, str], Any]:
    """Return the reader for a type, given its location. Raises ``TypeError`` if documents cannot contain it."""
    reader, inner = _READERS.get(get_origin(kind) or kind), get_args(kind)
    if reader is not None:
        return lambda value, where: reader(inner, value, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda value, where: _converted(kind, value, where, kind.__name__)
    text = _text_reader(kind)
    if text is not None:
        return lambda value, where: _converted(text, _text(value, where, kind.__name__), where, kind.__name__)
    if not is_dataclass(kind):
        raise TypeError(f"{kind} has no JSON form")
    return lambda value, where: _object(cast("type[Dataclass]", kind), value, where)


def _text_reader(kind: Any) -> Callable[[Any], Any] | None:
    """Return what parses a value from its text; None if it is not stored as text."""
    return kind.parse if isinstance(kind, type) and issubclass(kind, AsText) else _TEXTS.get(kind)


def _one_of(kinds: tuple[Any, ...], value: object, where: str) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    *others, last = [kind for kind in kinds if kind is not types.NoneType]
    named = {_kind_in(kind)["kind"]: kind for kind in (*others, last) if is_dataclass(kind) and _kind_in(kind)}
    if named:
        said = value.get("kind") if isinstance(value, Mapping) else None
        if not isinstance(said, str) or said not in named:
            raise _unexpected(f"one of the kinds {', '.join(named)}", value, where)
        return _value(named[said], value, where)
    for kind in others:
        with suppress(UnreadableRecord):
            return _value(kind, value, where)
    return _value(last, value, where)


def _literal(known: tuple[Any, ...], value: object, where: str) -> Any:
    return _converted(lambda given: known[known.index(given)], value, where, " or ".join(map(str, known)))


def _tuple(inner: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _unexpected("a list", value, where)
    kinds = inner[:1] * len(value) if inner[1:] == (...,) else inner
    if len(kinds) != len(value):
        raise _unexpected(f"{len(kinds)} values", value, where)
    return tuple(_value(kind, each, f"{where}[{n}]") for n, (kind, each) in enumerate(zip(kinds, value, strict=True)))


def _set(inner: tuple[Any, ...], value: object, where: str) -> frozenset[Any]:
    return frozenset(_tuple((inner[0], ...), value, where))


def _mapping(inner: tuple[Any, ...], value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _unexpected("an object", value, where)
    if inner[0] is not str:
        raise TypeError(f"a key of a JSON object is a text, not of {inner[0]}")
    return {str(name): _value(inner[1], each, f"{where}.{name}") for name, each in value.items()}


def _scalar(*kinds: type) -> Callable[[tuple[Any, ...], object, str], Any]:
    def reader(inner: tuple[Any, ...], value: object, where: str) -> Any:
        if type(value) not in kinds:
            raise _unexpected(kinds[0].__name__, value, where)
        return value

    return reader


_READERS: dict[Any, Callable[[tuple[Any, ...], object, str], Any]] = {
    Any: lambda inner, value, where: value,
    object: lambda inner, value, where: value,
    Union: _one_of,
    types.UnionType: _one_of,
    Literal: _literal,
    tuple: _tuple,
    frozenset: _set,
    dict: _mapping,
    Mapping: _mapping,
    str: _scalar(str),
    bool: _scalar(bool),
    int: _scalar(int),
    float: _scalar(float, int),
}
"""The readers by the origin of a field's type; other types are parsed from text, or are dataclasses."""

_TEXTS: dict[Any, Callable[[Any], Any]] = {
    datetime: datetime.fromisoformat,
    IPv4Network: IPv4Network,
    IPv6Network: IPv6Network,
}


def _text(value: object, where: str, expected: str) -> str:
    if not isinstance(value, str):
        raise _unexpected(expected, value, where)
    return value


def _converted(convert: Callable[[Any], Any], value: object, where: str, expected: str) -> Any:
    try:
        return convert(value)
    except (ValueError, TypeError) as error:
        raise _unexpected(expected, value, where) from error


def _unexpected(expected: str, found: object, where: str) -> UnreadableRecord:
    return UnreadableRecord(f"{where}: expected {expected}, found {shorten(repr(found), 80, placeholder='...')}")
