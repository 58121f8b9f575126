"""Every kind of document that Belay stores: found by its readers, complete after a round trip, refused when damaged."""

import ast
import importlib
import json
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from random import Random
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from belay.database.executor import Begin, ChangeDocument, Look, OperationAnswer
from belay.database.kinds import KINDS
from belay.documents import AsText, Dataclass, plain, read, reader_of, sparse, written
from belay.errors import UnknownSchema, UnreadableRecord
from belay.release.reason import Reason
from belay.release.registration import Database
from belay.release.version import Version

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests" / "fixtures" / "v0_2"
ROOMS = ("layers/belay/belay", "functions", "cli", "packs")
CALLS = {"read": "belay.documents.read", "documents.read": "belay.documents"}
READ_AS_ONE_OF: dict[str, set[type[Dataclass]]] = {
    "kind": {*get_args(Reason), Begin, Look, OperationAnswer, ChangeDocument}
}
"""The types read where the kind is a variable: a reason, and an executor's messages."""


def kinds() -> dict[str, type[Dataclass]]:
    """The dataclass that is read, at each place in the code that reads a document."""
    found: set[type[Dataclass]] = set()
    texts = {path: path.read_text(encoding="utf-8") for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))}
    for text in texts.values():
        for name in _read_in(ast.parse(text)) if "documents" in text else ():
            of_class = next((path for path, each in texts.items() if f"\nclass {name}:" in each), None)
            found |= READ_AS_ONE_OF[name] if of_class is None else {getattr(_module(of_class), name)}
    return {each.__name__: each for each in sorted(found, key=lambda each: each.__name__)}


def _module(path: Path) -> types.ModuleType:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return importlib.import_module(".".join(parts[2:] if parts[0] == "layers" else parts))


def _read_in(module: ast.Module) -> Iterator[str]:
    """The first argument of each call of ``belay.documents.read``; ``cls`` is the enclosing class."""
    taken = {
        f"{each.module}.{name.name}"
        for each in ast.walk(module)
        if isinstance(each, ast.ImportFrom)
        for name in each.names
    }
    for outer in module.body:
        for node in ast.walk(outer):
            if isinstance(node, ast.Call) and CALLS.get(ast.unparse(node.func)) in taken:
                name = ast.unparse(node.args[0])
                yield outer.name if name == "cls" and isinstance(outer, ast.ClassDef) else name


def made(kind: Any, random: Random | None = None, depth: int = 0) -> Any:  # noqa: PLR0911 - one a form
    """A value of a type: a random one, or without ``random`` always the same, with every possible part."""
    origin, inner = get_origin(kind) or kind, get_args(kind)

    def one(choices: list[Any]) -> Any:
        return choices[0] if random is None else random.choice(choices)

    if origin in (Union, types.UnionType):
        if types.NoneType in inner and depth > DEEPEST:
            return None
        return made(one([each for each in inner if random or each is not types.NoneType]), random, depth)
    if origin in (tuple, frozenset) and inner[1:] in ((), (...,)):
        size = 0 if depth > DEEPEST else 1 if random is None else random.randrange(3)
        return origin(made(inner[0], random, depth) for _ in range(size))
    if origin is tuple:
        return tuple(made(each, random, depth) for each in inner)
    if origin in (Mapping, dict):
        return {one(["a", "b", ""]): made(inner[1], random, depth)}
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return one(list(inner or kind))
    if kind in SAMPLES:
        return one(SAMPLES[kind])
    hints = get_type_hints(kind)
    return kind(**{each.name: made(hints[each.name], random, depth + 1) for each in fields(kind)})


DEEPEST = 5
"""A model's tables have tables."""

SAMPLES: dict[Any, list[Any]] = {
    types.NoneType: [None],
    Any: [{"a": [True, None, "x"]}, None, 7, "x"],
    object: [{"a": [True, None, "x"]}, None, 7, "x"],
    str: ["text", "", "\u00e9 \U0001f600 #/"],
    int: [1, 0, -1, 2**53],
    float: [0.5, 0.0, 3],
    bool: [True, False],
    datetime: [datetime(2026, 3, 2, 9, 30, tzinfo=UTC), datetime(2026, 3, 2)],
    IPv4Network: [IPv4Network("10.0.0.0/8")],
    IPv6Network: [IPv6Network("2001:db8::/32")],
    Version: [Version.parse("1.2.3-rc.1+b"), Version.parse("1.2.3")],
    Database: [Database(KINDS["instance"], "orders-db"), Database(KINDS["cluster"], "orders-aurora")],
}


FOUND = kinds()


def types_in(kind: Any, found: set[Any]) -> set[Any]:
    """A type and every type in it, added to those ``found``."""
    if kind in found or kind in (types.NoneType, ...):
        return found
    found.add(kind)
    inner = [] if get_origin(kind) is Literal else list(get_args(kind))
    if is_dataclass(kind) and kind not in SAMPLES:
        hints = get_type_hints(kind)
        inner = [hints[each.name] for each in fields(kind)]
    for each in inner:
        types_in(each, found)
    return found


@pytest.mark.parametrize("name", FOUND)
def test_every_type_in_a_document_has_a_reader(name: str) -> None:
    for kind in types_in(FOUND[name], set()):
        assert callable(reader_of(kind))


@pytest.mark.parametrize("name", FOUND)
def test_whatever_is_written_is_read_as_it_was(name: str) -> None:
    random = Random(name)
    for value in (made(FOUND[name]), *(made(FOUND[name], random) for _ in range(100))):
        for document in (written(value), sparse(value)):
            assert read(FOUND[name], json.loads(json.dumps(document)), name) == value


@pytest.mark.parametrize("name", FOUND)
def test_a_newer_one_is_refused(name: str) -> None:
    with pytest.raises(UnknownSchema, match="this Belay reads up to 2"):
        read(FOUND[name], {**written(made(FOUND[name])), "schema": 3}, name)


@pytest.mark.parametrize("name", FOUND)
def test_a_damaged_one_is_refused_and_never_a_crash(name: str) -> None:
    """If a part is missing or of another type, it is still read, or is an unreadable record."""
    document = json.loads(json.dumps(written(made(FOUND[name]))))
    for changed in damaged(document):
        with suppress(UnreadableRecord):
            read(FOUND[name], changed, name)


def damaged(value: Any) -> Iterator[Any]:
    """The value with each of its parts left out, or replaced by something else."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {each: kept for each, kept in value.items() if each != name}
            yield from ({**value, name: other} for other in (None, "", -1, [], {}, [[{}]], {"kind": []}))
            yield from ({**value, name: other} for other in damaged(inner))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in damaged(inner))


@pytest.mark.parametrize("name", FOUND)
def test_what_belay_0_2_kept_is_read_and_nothing_of_it_is_lost(name: str) -> None:
    document = json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))
    assert left_out(document, json.loads(json.dumps(written(read(FOUND[name], document, name))))) == []


def test_everything_that_is_kept_is_read() -> None:
    assert {each.stem for each in KEPT.glob("*.json")} == FOUND.keys(), "python tests/unit/test_document_kinds.py"


def left_out(kept: Any, again: Any, where: str = "") -> list[str]:
    """The paths in the stored document that are missing when written again."""
    if isinstance(kept, dict) and isinstance(again, dict):
        return [place for name, inner in kept.items() for place in left_out(inner, again.get(name), f"{where}.{name}")]
    return [] if kept == again else [where]


def test_a_class_that_cannot_parse_its_text_is_none() -> None:
    with pytest.raises(TypeError, match="Dumb cannot parse what it says"):
        type("Dumb", (AsText,), {"__str__": lambda self: "dumb"})


@pytest.mark.parametrize("value", [object(), {1: "a"}, Path("a"), b"a", [IPv4Network]])
def test_what_has_no_json_form_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        plain(value)


@pytest.mark.parametrize("kind", [Path, bytes, complex, Callable])
def test_what_no_document_has_is_not_read(kind: Any) -> None:
    with pytest.raises(TypeError):
        reader_of(kind)(0, "it")


if __name__ == "__main__":  # stores those of which nothing is stored yet
    for each in FOUND.keys() - {path.stem for path in KEPT.glob("*.json")}:
        text = json.dumps(written(made(FOUND[each])), indent=1, sort_keys=True)
        (KEPT / f"{each}.json").write_text(f"{text}\n", encoding="utf-8")
